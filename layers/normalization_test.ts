import fc from "fast-check";
import assert from "node:assert/strict";
import { scope, tensor } from "@unfold/core";
import { assertClose, checkOp, type Oracle } from "@unfold/core/testing";
import { LayerNorm, layerNorm } from "./normalization.ts";

Deno.test("LayerNorm: value and gradients match a Float64 oracle", () => {
  const oracle = (x: Oracle, g: Oracle, b: Oracle): Oracle => {
    const n = g.data.length;
    const data = x.data.slice();
    for (let start = 0; start < data.length; start += n) {
      const row = x.data.subarray(start, start + n);
      const mean = row.reduce((a, b) => a + b, 0) / n;
      const variance = row.reduce((total, value) => total + (value - mean) ** 2, 0) / n;
      row.forEach((value, i) =>
        data[start + i] = g.data[i]! * (value - mean) / Math.sqrt(variance + 1e-2) + b.data[i]!
      );
    }
    return { shape: x.shape, data };
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 11 }), fc.nat(1e6), (rows, n, seed) => {
      checkOp({
        op: (x, weight, bias) => layerNorm(x!, weight!, bias!, 1e-2),
        oracle: (x, g, b) => oracle(x!, g!, b!),
        shapes: [[2, rows, n], [n], [n]],
        seed,
      });
    }),
  );
});

Deno.test("LayerNorm: large values that are close together keep their precision", () => {
  using _ = scope();
  for (const size of [4, 5, 11]) {
    const x = Float32Array.from({ length: size }, (_, i) => 16_777_216 + 2 * (i * 7 % size));
    const mean = x.reduce((a, b) => a + b, 0) / size;
    const deviation = Math.sqrt(x.reduce((total, value) => total + (value - mean) ** 2, 0) / size + 1e-5);
    const y = new LayerNorm({ size }).forward(tensor(x, { shape: [1, size] }));
    assertClose(y.data, [...x].map((value) => (value - mean) / deviation), { tolerance: 1e-6 });
  }
});

Deno.test("LayerNorm: a wrong size or eps is rejected", () => {
  assert.throws(
    () => new LayerNorm({ size: 2 }).forward(tensor([[1]])),
    /x must have shape \[..., size = 2\], got \[1, 1\]/,
  );
  assert.throws(() => new LayerNorm({ size: 2, eps: 0 }), /eps must be above 0, got 0/);
});
