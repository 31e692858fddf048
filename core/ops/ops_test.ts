import {
  abs,
  add,
  argmax,
  clamp,
  concat,
  divide,
  dropout,
  exp,
  gather,
  gelu,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  multiply,
  negate,
  noGrad,
  power,
  Random,
  relu,
  reshape,
  scale,
  scope,
  type Shape,
  sigmoid,
  slice,
  softmax,
  softplus,
  sqrt,
  stack,
  subtract,
  sum,
  tanh,
  type Tensor,
  tensor,
  transpose,
  where,
} from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";

const length = fc.constantFrom(1, 2, 3, 4, 5, 7, 9);
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

/** Every index of a shape, in row-major order. */
function* indicesOf(shape: Shape): Generator<number[]> {
  const size = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < size; i++) {
    const index: number[] = [];
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    yield index;
  }
}

/** Reduces along axes as plainly as can be: collects the elements of each result, then folds them. */
function reduced(f: (values: number[]) => number, axes: readonly number[], keepDims: boolean): (x: Oracle) => Oracle {
  return ({ shape, data }) => {
    const groups = new Map<string, number[]>();
    [...indicesOf(shape)].forEach((index, i) => {
      const key = index.map((at, axis) => axes.includes(axis) ? 0 : at).join();
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [data[i]!]);
      else group.push(data[i]!);
    });
    const result = shape.map((n, axis) => axes.includes(axis) ? 1 : n).filter((_, axis) =>
      keepDims || !axes.includes(axis)
    );
    return { shape: result, data: Float64Array.from([...groups.values()].map(f)) };
  };
}

/** A shape, some of its axes (undefined for all), and whether to keep them. */
const reduction = fc.array(length, { minLength: 1, maxLength: 3 }).chain((shape) =>
  fc.tuple(
    fc.constant(shape),
    fc.option(fc.uniqueArray(fc.nat(shape.length - 1), { minLength: 1 }), { nil: undefined }),
    fc.boolean(),
  )
);

const total = (values: number[]) => values.reduce((a, b) => a + b, 0);

for (const [name, op, f] of [["sum", sum, total], ["mean", mean, (v: number[]) => total(v) / v.length]] as const) {
  Deno.test(`${name}: value and gradient equal the Float64 oracle's, along any axes`, () => {
    fc.assert(fc.property(reduction, fc.nat(1e6), ([shape, axes, keepDims], seed) => {
      checkOp({
        op: (x) =>
          op(x!, axes === undefined ? { keepDims } : { axis: axes.map((a, i) => i ? a : a - shape.length), keepDims }),
        oracle: (x) => reduced(f, axes ?? shape.map((_, i) => i), keepDims)(x!),
        shapes: [shape],
        seed,
      });
    }));
  });
}

Deno.test("max: value and gradient equal the Float64 oracle's, along an axis or all", () => {
  fc.assert(fc.property(reduction, fc.nat(1e6), ([shape, axes, keepDims], seed) => {
    const axis = axes?.[0];
    checkOp({
      op: (x) => max(x!, axis === undefined ? { keepDims } : { axis, keepDims }),
      oracle: (x) => reduced((v) => Math.max(...v), axis === undefined ? shape.map((_, i) => i) : [axis], keepDims)(x!),
      shapes: [shape],
      seed,
    });
  }));
});

Deno.test("max and argmax take the first of equals, and NaN above all", () => {
  const x = tensor([[1, 3, 3], [2, NaN, 5]], { requiresGrad: true });
  assert.deepEqual(argmax(x).toArray(), [1, 1]);
  assert.deepEqual(argmax(x, { axis: 0 }).toArray(), [1, 1, 1]);
  const y = max(x, { axis: 1 });
  assert.deepEqual(y.toArray(), [3, NaN]);
  y.backward(tensor([10, 20]));
  assert.deepEqual(x.grad!.toArray(), [[0, 10, 0], [0, 20, 0]]);
  assert.ok(Number.isNaN(max(x).item()));
});

Deno.test("axes that are none, and maxima of nothing, are refused", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => sum(x, { axis: 2 }), {
    name: "RangeError",
    message: "Cannot sum a tensor of shape [1, 2]: axis must be from -2 to 1, got 2",
  });
  assert.throws(() => softmax(x, { axis: -3 }), /axis must be from -2 to 1, got -3/);
  assert.throws(() => max(tensor([])), /there must be at least one element/);
});

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

Deno.test("softmax and logSoftmax: large values neither overflow nor lose digits", () => {
  const x = tensor([[1e4, 1e4 - 1, -1e4], [-1e4, -1e4, -1e4]]);
  const y = logSoftmax(x).data;
  assert.ok(Math.abs(y[0]! + Math.log1p(Math.exp(-1))) < 1e-6 && Math.abs(y[3]! + Math.log(3)) < 1e-6);
  assert.ok(Math.abs(y[2]! + 2e4 + Math.log1p(Math.exp(-1))) < 2e-3);
  assert.ok(Math.abs(total([...softmax(x).data]) - 2) < 1e-6);
});

Deno.test("transpose: value and gradient equal the Float64 oracle's, for any order of axes", () => {
  const order = fc.array(length, { maxLength: 4 }).chain((shape) =>
    fc.tuple(fc.constant(shape), fc.shuffledSubarray(shape.map((_, i) => i), { minLength: shape.length }))
  );
  fc.assert(fc.property(order, fc.nat(1e6), ([shape, axes], seed) => {
    const oracle = ({ data }: Oracle): Oracle => {
      const result = axes.map((axis) => shape[axis]!);
      const at = (index: readonly number[]) => {
        const source: number[] = [];
        axes.forEach((axis, i) => source[axis] = index[i]!);
        return source.reduce((sum, value, axis) => sum * shape[axis]! + value, 0);
      };
      return { shape: result, data: Float64Array.from([...indicesOf(result)].map((index) => data[at(index)]!)) };
    };
    checkOp({ op: (x) => transpose(x!, axes), oracle: (x) => oracle(x!), shapes: [shape], seed });
  }));
  assert.throws(() => transpose(tensor([[1]]), [0, 0]), /axes must name each axis once, got \[0, 0\]/);
});

Deno.test("gather: rows by index, the gradients of one row added up", () => {
  const indices = [[2, 0, 2], [1, 2, 2]];
  checkOp({
    op: (table) => gather(table!, tensor(indices, { dtype: "i32" })),
    oracle: (table) => ({
      shape: [2, 3, 5],
      data: Float64Array.from(indices.flat().flatMap((row) => [...table!.data.subarray(5 * row, 5 * row + 5)])),
    }),
    shapes: [[3, 5]],
  });
  const table = tensor([[1], [2]]);
  assert.throws(() => gather(table, tensor([0, 2], { dtype: "i32" })), {
    name: "RangeError",
    message: "Cannot gather from a table of shape [2, 1]: indices must be rows from 0 to 1, got 2 at position 1",
  });
  assert.throws(() => gather(table, tensor([-1], { dtype: "i32" })), /got -1 at position 0/);
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

Deno.test("maximum: equal values share the gradient", () => {
  const [a, b] = [tensor([1, 2], { requiresGrad: true }), tensor([1, 1], { requiresGrad: true })];
  maximum(a, b).backward(tensor([10, 10]));
  assert.deepEqual([a.grad!.toArray(), b.grad!.toArray()], [[5, 10], [5, 0]]);
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

Deno.test("stack: tensors along a new axis, at any place", () => {
  for (const axis of [0, 1, 2, -1, -3]) {
    checkOp({
      op: (a, b) => stack([a!, b!], { axis }),
      oracle: (a, b) => {
        const at = axis < 0 ? axis + 3 : axis;
        const shape = [2, 3].toSpliced(at, 0, 2);
        const data = [...indicesOf(shape)].map((index) => {
          const [i, j] = index.toSpliced(at, 1) as [number, number];
          return (index[at] === 0 ? a : b)!.data[i * 3 + j]!;
        });
        return { shape, data: Float64Array.from(data) };
      },
      shapes: [[2, 3], [2, 3]],
    });
  }
});

Deno.test("matmul: batches broadcast, with every transposition", () => {
  const batches: [Shape, Shape][] = [[[3], [3]], [[2, 3], [3]], [[2, 1], [1, 3]], [[4], []], [[], [2]], [[2, 3], []]];
  const options = [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({ transposeA, transposeB }))
  );
  for (const [left, right] of batches) {
    for (const { transposeA, transposeB } of options) {
      const [m, k, n] = [3, 5, 4];
      checkOp({
        op: (a, b) => matmul(a!, b!, { transposeA, transposeB }),
        oracle: (a, b) => {
          const batch = broadcast(() =>
            0
          )({ shape: left, data: new Float64Array(24) }, { shape: right, data: new Float64Array(24) }).shape;
          const one = ({ shape, data }: Oracle, index: number[]): Oracle => {
            const own = shape.slice(0, -2);
            const position = own.reduce((sum, length, axis) =>
              sum * length + index[axis + batch.length - own.length]! % length, 0);
            const [rows, columns] = shape.slice(-2) as [number, number];
            return {
              shape: [rows, columns],
              data: data.subarray(position * rows * columns, (position + 1) * rows * columns),
            };
          };
          const products = [...indicesOf(batch)].map((index) =>
            product(one(a!, index), one(b!, index), transposeA, transposeB)
          );
          return { shape: [...batch, m, n], data: Float64Array.from(products.flatMap(({ data }) => [...data])) };
        },
        shapes: [[...left, ...(transposeA ? [k, m] : [m, k])], [...right, ...(transposeB ? [n, k] : [k, n])]],
      });
    }
  }
  assert.throws(
    () => matmul(tensor([[[1]], [[1]]]), tensor([[[1]], [[1]], [[1]]])),
    /shapes \[2\] and \[3\] must be equal or 1/,
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
      "Cannot multiply matrices of shapes [1, 3] and [1, 2]: both must have at least two axes and their inner lengths must be equal",
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
    message: "Cannot slice a tensor of shape [1, 3]: the range must lie within axis 1, got 2 to 5",
  });
  assert.throws(() => slice(x, { axis: 2 }), RangeError);
  assert.throws(() => concat([]), TypeError);
  assert.throws(() => concat([x, tensor([[1]])]), /equal on the other axes, got \[1, 3\], \[1, 1\]/);
});

Deno.test("sums of many rows keep their digits, column by column", () => {
  using _ = scope();
  const rows = 1_000_000;
  const means = mean(tensor(new Float32Array(9 * rows).fill(0.1), { shape: [rows, 9] }), { axis: 0 });
  for (const value of means.data) assert.ok(Math.abs(value / Math.fround(0.1) - 1) < 1e-6, String(value));
});

Deno.test("a sum over axes of length 1 is a tensor of its own", () => {
  const x = tensor([[1], [2]]);
  const y = sum(x, { axis: 1 });
  y.data[0] = 99;
  y.dispose();
  assert.deepEqual(x.toArray(), [[1], [2]]);
});

Deno.test("gather checks the indices again on the way back", () => {
  const [table, indices] = [tensor([[1], [2]], { requiresGrad: true }), tensor([0, 1], { dtype: "i32" })];
  const y = gather(table, indices);
  indices.data.fill(-100);
  assert.throws(() => y.backward(tensor([[1], [1]])), /indices must be rows from 0 to 1, got -100 at position 0/);
  assert.throws(
    () => gather(table, tensor([0]) as unknown as Tensor<"i32">),
    /must be integers \(dtype "i32"\), got "f32"/,
  );
});

Deno.test("divide: no NaN where the quotient is 0; power: 1 to any power is 1", () => {
  const [a, b] = [tensor([0]), tensor([1e-40], { requiresGrad: true })];
  divide(a, b).backward(tensor([1]));
  assert.ok(b.grad!.item() === 0);
  assert.deepEqual(power(tensor([1, 1, -1]), tensor([NaN, Infinity, -Infinity])).toArray(), [1, 1, 1]);
});

Deno.test("shapes and axes that are none are refused by name", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => reshape(x, [-1, -2]), /Cannot reshape: shape must be integers of 0 or more, got \[-1, -2\]/);
  assert.throws(
    () => concat([x], { axis: 0.5 }),
    /Cannot concatenate a tensor of shape \[1, 2\]: axis must be from -2 to 1, got 0.5/,
  );
  assert.throws(() => stack([x], { axis: 4 }), /Cannot stack .* axis must be from -3 to 2, got 4/);
  assert.throws(
    () => tensor([1], { dtype: "i32", requiresGrad: true }),
    /dtype must be "f32", or "i32" for a tensor without gradient/,
  );
});
