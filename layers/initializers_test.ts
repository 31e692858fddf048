import assert from "node:assert/strict";
import { matmul, Parameter, Random, scope, slice } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { constant, orthogonal } from "./initializers.ts";

Deno.test("orthogonal: the columns of each block are orthonormal, and both signs of the determinant occur", () => {
  const determinants = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    using _ = scope();
    const n = 2;
    const weight = new Parameter([n, 2 * n], orthogonal(new Random(seed)));
    const [a, b, , , c, d] = weight.data;
    determinants.add(Math.round(a! * d! - b! * c!));
    const block = slice(weight, { axis: 1, start: n });
    assertClose(matmul(block, block, { transposeA: true }).data, [1, 0, 0, 1], { tolerance: 1e-6 });
  }
  assert.deepEqual(determinants, new Set([1, -1]));
  assert.throws(() => new Parameter([2, 3], orthogonal(new Random(1))), /must have shape \[n, k·n\], got \[2, 3\]/);
});

Deno.test("constant: a value that is not finite is rejected", () => {
  assert.throws(() => constant(NaN), {
    name: "RangeError",
    message: "Cannot initialize with a constant: value must be a finite number, got NaN",
  });
});
