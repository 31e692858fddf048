import { matmul, type Shape, tensor } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { broadcast, indicesOf } from "./_oracles_test.ts";

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
    /shapes \[2\] and \[3\] must broadcast/,
  );
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

Deno.test("matmul refuses factors that do not fit", () => {
  const [a, b] = [tensor([[1, 2, 3]]), tensor([[1, 2]])];
  assert.throws(() => matmul(a, b), {
    name: "TypeError",
    message:
      "Cannot multiply matrices of shapes [1, 3] and [1, 2]: both must have at least two axes and their inner lengths must be equal",
  });
  assert.throws(() => matmul(tensor([1, 2]), b), /shapes \[2\] and \[1, 2\]/);
});
