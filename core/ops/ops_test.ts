import {
  add,
  concat,
  matmul,
  mean,
  multiply,
  reshape,
  scale,
  scope,
  type Shape,
  sigmoid,
  slice,
  subtract,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";

const length = fc.constantFrom(1, 2, 3, 4, 5, 7, 9, 17);
const shape = fc.array(length, { minLength: 0, maxLength: 3 });

/** A shape and one that broadcasts with it: axes dropped from the left, others set to 1. */
const pairOfShapes = fc.tuple(shape, fc.nat(3), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), fc.boolean())
  .map(([full, dropped, ones, swapped]) => {
    const partner = full.map((n, axis) => ones[axis] ? 1 : n).slice(Math.min(dropped, full.length));
    return swapped ? [partner, full] : [full, partner];
  });

function elementwise(f: (x: number) => number): (x: Oracle) => Oracle {
  return ({ shape, data }) => ({ shape, data: data.map(f) });
}

/** Broadcasting written as plainly as can be: every index of the result, looked up in both operands. */
function broadcast(f: (a: number, b: number) => number): (a: Oracle, b: Oracle) => Oracle {
  return (a, b) => {
    const rank = Math.max(a.shape.length, b.shape.length);
    const shape = Array.from({ length: rank }, (_, axis) => {
      return Math.max(a.shape[axis - rank + a.shape.length] ?? 1, b.shape[axis - rank + b.shape.length] ?? 1);
    });
    const at = ({ shape: own, data }: Oracle, index: readonly number[]) => {
      const position = own.reduce((sum, n, axis) => sum * n + (n === 1 ? 0 : index[axis + rank - own.length]!), 0);
      return data[position]!;
    };
    const size = shape.reduce((x, y) => x * y, 1);
    const data = Float64Array.from({ length: size }, (_, i) => {
      const index: number[] = [];
      for (let axis = rank - 1, rest = i; axis >= 0; axis--) {
        index[axis] = rest % shape[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      return f(at(a, index), at(b, index));
    });
    return { shape, data };
  };
}

const unary: Record<string, { op: (x: Tensor) => Tensor; f: (x: number) => number; spread?: number }> = {
  tanh: { op: tanh, f: Math.tanh, spread: 3 },
  sigmoid: { op: sigmoid, f: (x) => 1 / (1 + Math.exp(-x)), spread: 5 },
  scale: { op: (x) => scale(x, -2.5), f: (x) => -2.5 * x },
};

for (const [name, { op, f, spread = 1 }] of Object.entries(unary)) {
  Deno.test(`${name}: value and gradient equal the Float64 oracle's`, () => {
    fc.assert(fc.property(shape, fc.nat(1e6), (shape, seed) => {
      const draw = (random: { normal(): number }) => spread * random.normal();
      checkOp({ op: (x) => op(x!), oracle: (x) => elementwise(f)(x!), shapes: [shape], seed, draw });
    }));
  });
}

const binary: Record<string, { op: (a: Tensor, b: Tensor) => Tensor; f: (a: number, b: number) => number }> = {
  add: { op: add, f: (a, b) => a + b },
  subtract: { op: subtract, f: (a, b) => a - b },
  multiply: { op: multiply, f: (a, b) => a * b },
};

for (const [name, { op, f }] of Object.entries(binary)) {
  Deno.test(`${name}: value and gradients equal the Float64 oracle's, with broadcasting`, () => {
    fc.assert(fc.property(pairOfShapes, fc.nat(1e6), (shapes, seed) => {
      checkOp({ op: (a, b) => op(a!, b!), oracle: (a, b) => broadcast(f)(a!, b!), shapes: shapes as Shape[], seed });
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

for (const [name, op, divisor] of [["sum", sum, () => 1], ["mean", mean, (n: number) => n]] as const) {
  Deno.test(`${name}: value and gradient equal the Float64 oracle's`, () => {
    fc.assert(fc.property(shape, fc.nat(1e6), (shape, seed) => {
      const oracle = ({ data }: Oracle): Oracle => {
        return { shape: [], data: Float64Array.of(data.reduce((a, b) => a + b, 0) / divisor(data.length)) };
      };
      checkOp({ op: (x) => op(x!), oracle: (x) => oracle(x!), shapes: [shape], seed });
    }));
  });
}

Deno.test("sum: the error does not grow with the length", () => {
  using _ = scope();
  const n = 1_000_003;
  assert.ok(Math.abs(sum(tensor(new Float32Array(n).fill(0.1))).item() / (n * Math.fround(0.1)) - 1) < 1e-6);
});

function product(a: Oracle, b: Oracle, transposeA: boolean, transposeB: boolean): Oracle {
  const [m, k] = transposeA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
  const n = transposeB ? b.shape[0]! : b.shape[1]!;
  const data = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) {
        data[i * n + j]! += a.data[transposeA ? p * m + i : i * k + p]! * b.data[transposeB ? j * k + p : p * n + j]!;
      }
    }
  }
  return { shape: [m, n], data };
}

Deno.test("matmul: value and gradients equal the Float64 oracle's, with every transposition", () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(31, 33));
  fc.assert(
    fc.property(size, size, size, fc.boolean(), fc.boolean(), fc.nat(1e6), (m, n, k, transposeA, transposeB, seed) => {
      checkOp({
        op: (a, b) => matmul(a!, b!, { transposeA, transposeB }),
        oracle: (a, b) => product(a!, b!, transposeA, transposeB),
        shapes: [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]],
        seed,
      });
    }),
    { numRuns: 40 },
  );
});

Deno.test("matmul: factors that do not fit are refused", () => {
  const [a, b] = [tensor([[1, 2, 3]]), tensor([[1, 2]])];
  assert.throws(() => matmul(a, b), {
    name: "TypeError",
    message:
      "Cannot multiply matrices of shapes [1, 3] and [1, 2]: both must have two axes and their inner lengths must be equal",
  });
  assert.throws(() => matmul(tensor([1, 2]), b), /shapes \[2\] and \[1, 2\]/);
});

Deno.test("reshape, slice and concat: values and gradients equal the Float64 oracle's", () => {
  const sliced = ({ shape: [rows, columns], data }: Oracle, start: number, end: number): Oracle => ({
    shape: [rows!, end - start],
    data: data.filter((_, i) => i % columns! >= start && i % columns! < end),
  });
  checkOp({ op: (x) => reshape(x!, [3, 4]), oracle: (x) => ({ shape: [3, 4], data: x!.data }), shapes: [[2, 6]] });
  checkOp({ op: (x) => slice(x!, { axis: -1, start: 1, end: 4 }), oracle: (x) => sliced(x!, 1, 4), shapes: [[3, 5]] });
  checkOp({
    op: (a, b) => concat([a!, b!]),
    oracle: (a, b) => ({ shape: [3, 2], data: Float64Array.of(...a!.data, ...b!.data) }),
    shapes: [[1, 2], [2, 2]],
  });
  checkOp({
    op: (x) => concat([slice(x!, { axis: 1, end: 2 }), slice(x!, { axis: 1, start: 2 })], { axis: 1 }),
    oracle: (x) => x!,
    shapes: [[3, 5, 2]],
  });
});

Deno.test("reshape, slice and concat: what does not fit is refused", () => {
  const x = tensor([[1, 2, 3]]);
  assert.throws(() => reshape(x, [2, 2]), {
    message: "Cannot reshape [1, 3] to [2, 2]: it must have 3 elements, got 4",
  });
  assert.throws(() => slice(x, { axis: 1, start: 2, end: 5 }), {
    name: "RangeError",
    message: "Cannot slice a tensor of shape [1, 3]: the range must lie within an axis, got 2 to 5 of axis 1",
  });
  assert.throws(() => slice(x, { axis: 2 }), RangeError);
  assert.throws(() => concat([]), TypeError);
  assert.throws(() => concat([x, tensor([[1]])]), /equal on the other axes, got \[1, 3\], \[1, 1\]/);
});
