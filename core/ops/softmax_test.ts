import { logSoftmax, softmax, tensor } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { broadcast, reduced, reduction, total } from "./_oracles_test.ts";

for (const [name, op] of [["softmax", softmax], ["logSoftmax", logSoftmax]] as const) {
  Deno.test(`${name}: value and gradient equal the Float64 oracle's, along any axis`, () => {
    fc.assert(fc.property(reduction, fc.nat(1e6), ([shape, axes], seed) => {
      const axis = axes?.[0] ?? shape.length - 1;
      const oracle = (x: Oracle): Oracle => {
        const sums = reduced((v) => total(v.map(Math.exp)), [axis], true)(x);
        return broadcast((a, b) => name === "softmax" ? Math.exp(a) / b : a - Math.log(b))(x, sums);
      };
      checkOp({
        op: (x) => op(x!, axes === undefined ? {} : { axis }),
        oracle: (x) => oracle(x!),
        shapes: [shape],
        seed,
        draw: (random) => 3 * random.normal(),
      });
    }));
  });
}

Deno.test("softmax and logSoftmax neither overflow nor lose precision for large values", () => {
  const x = tensor([[1e4, 1e4 - 1, -1e4], [-1e4, -1e4, -1e4]]);
  const y = logSoftmax(x).data;
  assert.ok(Math.abs(y[0]! + Math.log1p(Math.exp(-1))) < 1e-6 && Math.abs(y[3]! + Math.log(3)) < 1e-6);
  assert.ok(Math.abs(y[2]! + 2e4 + Math.log1p(Math.exp(-1))) < 2e-3);
  assert.ok(Math.abs(total([...softmax(x).data]) - 2) < 1e-6);
});

Deno.test("softmax refuses an axis that x does not have", () => {
  assert.throws(() => softmax(tensor([[1, 2]]), { axis: -3 }), /axis must be from -2 to 1, got -3/);
});
