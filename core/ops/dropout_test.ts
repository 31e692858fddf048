import { dropout, Random, scope, tensor } from "@unfold/core";
import assert from "node:assert/strict";
import { total } from "./_oracles_test.ts";

Deno.test("dropout keeps the expected value, applies the same mask to the gradient, and is determined by the seed", () => {
  using _ = scope();
  const draw = (seed: number) => {
    const x = tensor(new Float32Array(20_000).fill(1), { requiresGrad: true });
    const y = dropout(x, { rate: 0.3, random: new Random(seed) });
    y.backward(tensor(new Float32Array(20_000).fill(1)));
    return { y: y.data.slice(), dx: x.grad!.data.slice() };
  };
  const [a, b, c] = [draw(1), draw(1), draw(2)];
  assert.ok(Math.abs(total([...a.y]) / 20_000 - 1) < 0.02);
  assert.deepEqual(a.dx, a.y);
  assert.deepEqual(a.y, b.y);
  assert.notDeepEqual(a.y, c.y);
  assert.throws(
    () => dropout(tensor([1]), { rate: 1, random: new Random(1) }),
    /rate must be at least 0 and below 1, got 1/,
  );
});
