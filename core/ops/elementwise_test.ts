import { abs, clamp, exp, gelu, log, relu, sigmoid, softplus, sqrt, tanh, type Tensor, tensor } from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { type Domain, drawFrom, elementwise, shape } from "./_oracles_test.ts";

const unary: Record<string, { op: (x: Tensor) => Tensor; f: (x: number) => number } & Domain> = {
  tanh: { op: tanh, f: Math.tanh, spread: 3 },
  sigmoid: { op: sigmoid, f: (x) => 1 / (1 + Math.exp(-x)), spread: 5 },
  exp: { op: exp, f: Math.exp, spread: 2 },
  log: { op: log, f: Math.log, spread: 10, positive: true },
  sqrt: { op: sqrt, f: Math.sqrt, spread: 10, positive: true },
  abs: { op: abs, f: Math.abs, offZero: true },
  relu: { op: relu, f: (x) => Math.max(x, 0), offZero: true },
  gelu: { op: gelu, f: (x) => x * normalCdf(x), spread: 2 },
  softplus: { op: softplus, f: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0), spread: 5 },
  clamp: { op: (x) => clamp(x, { min: 0, max: 1e9 }), f: (x) => Math.max(x, 0), offZero: true },
};

for (const [name, { op, f, ...domain }] of Object.entries(unary)) {
  Deno.test(`${name}: value and gradient equal the Float64 oracle's`, () => {
    fc.assert(fc.property(shape, fc.nat(1e6), (shape, seed) => {
      checkOp({ op: (x) => op(x!), oracle: (x) => elementwise(f)(x!), shapes: [shape], seed, draw: drawFrom(domain) });
    }));
  });
}

Deno.test("clamp stops the gradient outside the bounds, and refuses bounds in the wrong order", () => {
  const x = tensor([-2, 0, 0.5, 3, NaN], { requiresGrad: true });
  const y = clamp(x, { min: 0, max: 1 });
  assert.deepEqual(y.toArray(), [0, 0, 0.5, 1, NaN]);
  y.backward(tensor([1, 1, 1, 1, 1]));
  assert.deepEqual(x.grad!.toArray(), [0, 1, 1, 0, 0]);
  assert.throws(() => clamp(x, { min: 2, max: 1 }), /min must not be above max, got 2 and 1/);
  assert.throws(() => clamp(x, { min: NaN }), RangeError);
});

/** The normal distribution, by the Maclaurin series of erf or the continued fraction of erfc, whichever converges faster. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  let [term, total] = [z, z];
  for (let n = 1; n < 200; n++) {
    term *= -z * z / n;
    total += term / (2 * n + 1);
  }
  let fraction = 0;
  for (let n = 200; n > 0; n--) fraction = n / 2 / (z + fraction);
  const erfc = z < 2 ? 1 - 2 / Math.sqrt(Math.PI) * total : Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
  return x < 0 ? erfc / 2 : 1 - erfc / 2;
}
