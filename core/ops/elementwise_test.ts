import {
  abs,
  add,
  clamp,
  divide,
  dropout,
  exp,
  gelu,
  log,
  maximum,
  multiply,
  negate,
  noGrad,
  power,
  Random,
  relu,
  scale,
  scope,
  type Shape,
  sigmoid,
  softplus,
  sqrt,
  subtract,
  sum,
  tanh,
  type Tensor,
  tensor,
  where,
} from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { broadcast, elementwise, pairOfShapes, shape, total } from "./_oracles_test.ts";

/** Draws that stay off the kinks and out of the domain's edges of a function. */
interface Domain {
  spread?: number;
  positive?: boolean;
  offZero?: boolean;
}

function drawFrom({ spread = 1, positive = false, offZero = false }: Domain) {
  return (random: { normal(): number }) => {
    const value = spread * random.normal();
    if (positive) return Math.abs(value) + 0.1;
    return offZero ? value + 0.05 * Math.sign(value) : value;
  };
}

/** The error function by its Maclaurin series, or its complement's continued fraction where that converges better. */
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

const unary: Record<string, { op: (x: Tensor) => Tensor; f: (x: number) => number } & Domain> = {
  tanh: { op: tanh, f: Math.tanh, spread: 3 },
  sigmoid: { op: sigmoid, f: (x) => 1 / (1 + Math.exp(-x)), spread: 5 },
  scale: { op: (x) => scale(x, -2.5), f: (x) => -2.5 * x },
  negate: { op: negate, f: (x) => -x },
  exp: { op: exp, f: Math.exp, spread: 2 },
  log: { op: log, f: Math.log, spread: 10, positive: true },
  sqrt: { op: sqrt, f: Math.sqrt, spread: 10, positive: true },
  abs: { op: abs, f: Math.abs, offZero: true },
  relu: { op: relu, f: (x) => Math.max(x, 0), offZero: true },
  gelu: { op: gelu, f: (x) => x * normalCdf(x), spread: 2 },
  softplus: { op: softplus, f: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0), spread: 5 },
  clamp: { op: (x) => clamp(x, { min: 0, max: 1e9 }), f: (x) => Math.max(x, 0), offZero: true },
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

  Deno.test(`${name}: shapes that do not broadcast are refused`, () => {
    assert.throws(() => op(tensor([[1, 2, 3]]), tensor([1, 2])), {
      name: "TypeError",
      message: `Cannot ${name}: shapes [1, 3] and [2] must be equal or 1 axis by axis from the right, got 3 and 2`,
    });
  });
}

Deno.test("add: an axis in the middle broadcasts", () => {
  checkOp({
    op: (a, b) => add(a!, b!),
    oracle: (a, b) => broadcast((x, y) => x + y)(a!, b!),
    shapes: [[3, 4, 5, 6], [3, 1, 5, 1]],
  });
});

Deno.test("multiply: a tensor times itself gets both gradients", () => {
  const x = tensor([2, -3], { requiresGrad: true });
  sum(multiply(x, x)).backward();
  assert.deepEqual(x.grad!.toArray(), [4, -6]);
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

Deno.test("clamp: the gradient stops outside the bounds; bounds the wrong way round are refused", () => {
  const x = tensor([-2, 0, 0.5, 3, NaN], { requiresGrad: true });
  const y = clamp(x, { min: 0, max: 1 });
  assert.deepEqual(y.toArray(), [0, 0, 0.5, 1, NaN]);
  y.backward(tensor([1, 1, 1, 1, 1]));
  assert.deepEqual(x.grad!.toArray(), [0, 1, 1, 0, 0]);
  assert.throws(() => clamp(x, { min: 2, max: 1 }), /min must not be above max, got 2 and 1/);
  assert.throws(() => clamp(x, { min: NaN }), RangeError);
});

Deno.test("dropout: the expected value stays, the gradient uses the same mask, the seed decides", () => {
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

Deno.test("power: special values are those of Math.pow, with finite slopes at 0", () => {
  const x = tensor([0, 0, -2], { requiresGrad: true });
  const y = power(x, tensor([2, 0, 3]));
  assert.deepEqual(y.toArray(), [0, 1, -8]);
  y.backward(tensor([1, 1, 1]));
  assert.deepEqual(x.grad!.toArray(), [0, 0, 12]);
  assert.ok(Number.isNaN(noGrad(() => power(tensor(-1), 0.5)).item()));
});

Deno.test("divide: no NaN where the quotient is 0; power: 1 to any power is 1", () => {
  const [a, b] = [tensor([0]), tensor([1e-40], { requiresGrad: true })];
  divide(a, b).backward(tensor([1]));
  assert.ok(b.grad!.item() === 0);
  assert.deepEqual(power(tensor([1, 1, -1]), tensor([NaN, Infinity, -Infinity])).toArray(), [1, 1, 1]);
});
