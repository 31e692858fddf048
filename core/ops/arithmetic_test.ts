import {
  add,
  divide,
  maximum,
  multiply,
  negate,
  noGrad,
  power,
  scale,
  type Shape,
  subtract,
  sum,
  type Tensor,
  tensor,
  where,
} from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { broadcast, type Domain, drawFrom, elementwise, pairOfShapes, shape } from "./_oracles_test.ts";

const unary: Record<string, { op: (x: Tensor) => Tensor; f: (x: number) => number } & Domain> = {
  scale: { op: (x) => scale(x, -2.5), f: (x) => -2.5 * x },
  negate: { op: negate, f: (x) => -x },
  power: { op: (x) => power(x, 3), f: (x) => x ** 3 },
  "power of one half": { op: (x) => power(x, 0.5), f: Math.sqrt, positive: true },
};

for (const [name, { op, f, ...domain }] of Object.entries(unary)) {
  Deno.test(`${name}: value and gradient equal the Float64 oracle's`, () => {
    fc.assert(fc.property(shape, fc.nat(1e6), (shape, seed) => {
      checkOp({ op: (x) => op(x!), oracle: (x) => elementwise(f)(x!), shapes: [shape], seed, draw: drawFrom(domain) });
    }));
  });
}

const binary: Record<string, { op: (a: Tensor, b: Tensor) => Tensor; f: (a: number, b: number) => number } & Domain> = {
  add: { op: add, f: (a, b) => a + b },
  subtract: { op: subtract, f: (a, b) => a - b },
  multiply: { op: multiply, f: (a, b) => a * b },
  divide: { op: divide, f: (a, b) => a / b, positive: true },
  maximum: { op: maximum, f: Math.max },
  power: { op: power, f: Math.pow, positive: true },
};

for (const [name, { op, f, ...domain }] of Object.entries(binary)) {
  Deno.test(`${name}: value and gradients equal the Float64 oracle's, with broadcasting`, () => {
    fc.assert(fc.property(pairOfShapes, fc.nat(1e6), (shapes, seed) => {
      checkOp({
        op: (a, b) => op(a!, b!),
        oracle: (a, b) => broadcast(f)(a!, b!),
        shapes: shapes as Shape[],
        seed,
        draw: drawFrom(domain),
      });
    }));
  });

  Deno.test(`${name} refuses shapes that do not broadcast`, () => {
    assert.throws(() => op(tensor([[1, 2, 3]]), tensor([1, 2])), {
      name: "TypeError",
      message: `Cannot ${name}: shapes [1, 3] and [2] must broadcast (axes from the right equal, or 1), got 3 and 2`,
    });
  });
}

Deno.test("add broadcasts an axis in the middle", () => {
  checkOp({
    op: (a, b) => add(a!, b!),
    oracle: (a, b) => broadcast((x, y) => x + y)(a!, b!),
    shapes: [[3, 4, 5, 6], [3, 1, 5, 1]],
  });
});

Deno.test("a tensor times itself gets both gradients", () => {
  const x = tensor([2, -3], { requiresGrad: true });
  sum(multiply(x, x)).backward();
  assert.deepEqual(x.grad!.toArray(), [4, -6]);
});

Deno.test("maximum splits the gradient between equal values", () => {
  const [a, b] = [tensor([1, 2], { requiresGrad: true }), tensor([1, 1], { requiresGrad: true })];
  maximum(a, b).backward(tensor([10, 10]));
  assert.deepEqual([a.grad!.toArray(), b.grad!.toArray()], [[5, 10], [5, 0]]);
});

Deno.test("dividing 0 by a tiny number gives no NaN gradient; 1 to any power is 1", () => {
  const [a, b] = [tensor([0]), tensor([1e-40], { requiresGrad: true })];
  divide(a, b).backward(tensor([1]));
  assert.ok(b.grad!.item() === 0);
  assert.deepEqual(power(tensor([1, 1, -1]), tensor([NaN, Infinity, -Infinity])).toArray(), [1, 1, 1]);
});

Deno.test("power has the special values of Math.pow, with finite slopes at 0", () => {
  const x = tensor([0, 0, -2], { requiresGrad: true });
  const y = power(x, tensor([2, 0, 3]));
  assert.deepEqual(y.toArray(), [0, 1, -8]);
  y.backward(tensor([1, 1, 1]));
  assert.deepEqual(x.grad!.toArray(), [0, 0, 12]);
  assert.ok(Number.isNaN(noGrad(() => power(tensor(-1), 0.5)).item()));
});

Deno.test("where: value and gradients equal the Float64 oracle's, with broadcasting", () => {
  const condition = () => tensor([[1], [0], [-5]], { dtype: "i32" });
  const chosen = [true, true, false, false, true, true];
  checkOp({
    op: (a, b) => where(condition(), a!, b!),
    oracle: (a, b) => ({
      shape: [3, 2],
      data: Float64Array.from(chosen, (yes, i) => yes ? a!.data[i % 2]! : b!.data[i]!),
    }),
    shapes: [[2], [3, 2]],
  });
});
