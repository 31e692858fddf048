import fc from "fast-check";
import assert from "node:assert/strict";
import {
  full,
  loadParameters,
  matmul,
  Parameter,
  Random,
  scope,
  slice,
  type Tensor,
  tensor,
  zeros,
} from "@unfold/core";
import { assertClose, checkOp, type Oracle } from "@unfold/core/testing";
import { Dense } from "./dense.ts";
import { Dropout } from "./dropout.ts";
import { Embedding } from "./embedding.ts";
import { constant, orthogonal } from "./initializers.ts";
import { meanSquaredError } from "./losses/regression.ts";
import { LayerNorm, layerNorm } from "./normalization.ts";
import { LSTM } from "./recurrent/lstm.ts";
import { LastStep } from "./recurrent/pooling.ts";
import { Sequential } from "./sequential.ts";
import { summary } from "./summary.ts";

/** x·V + b in 64-bit floats. */
function denseOracle(x: Oracle, weight: Oracle, bias?: Oracle): Oracle {
  const [k, n] = weight.shape as [number, number];
  const m = x.data.length / k;
  const data = Float64Array.from({ length: m * n }, (_, i) => {
    let total = bias?.data[i % n] ?? 0;
    for (let p = 0; p < k; p++) total += x.data[Math.floor(i / n) * k + p]! * weight.data[p * n + i % n]!;
    return total;
  });
  return { shape: [...x.shape.slice(0, -1), n], data };
}

Deno.test("Dense: value and gradients equal the Float64 oracle's, with and without bias, for any leading axes", () => {
  const size = fc.integer({ min: 1, max: 18 });
  const leading = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(leading, size, size, fc.boolean(), fc.nat(1e6), (leading, inputSize, outputSize, bias, seed) => {
      const layer = new Dense({ inputSize, outputSize, bias });
      const run = (x: Tensor, ...parameters: Tensor[]) => {
        // The layer's own parameters are swapped for the tensors under test.
        const stand = Object.assign(Object.create(Dense.prototype), {
          weight: parameters[0],
          bias: parameters[1],
        }) as Dense;
        return stand.forward(x);
      };
      checkOp({
        op: (x, weight, b) => run(x!, ...(b === undefined ? [weight!] : [weight!, b])),
        oracle: (x, weight, b) => denseOracle(x!, weight!, b),
        shapes: [[...leading, inputSize], ...Object.values(layer.parameters()).map(({ shape }) => shape)],
        seed,
      });
    }),
    { numRuns: 40 },
  );
});

Deno.test("meanSquaredError: large errors do not overflow", () => {
  using _ = scope();
  assertClose([meanSquaredError(full([4], 1e15), zeros([4])).item()], [1e30], { tolerance: 1e-6 });
});

Deno.test("LastStep: the gradient goes to the last step alone", () => {
  checkOp({
    op: (x) => new LastStep().forward(x!),
    oracle: ({ data } = { shape: [], data: new Float64Array() }) => ({
      shape: [2, 3],
      data: data.filter((_, i) => Math.floor(i / 3) % 4 === 3),
    }),
    shapes: [[2, 4, 3]],
  });
});

Deno.test("a Sequential of LSTM, LastStep and Dense has the same weights for the same seed", () => {
  const make = (seed: number) => {
    const random = new Random(seed);
    return new Sequential([
      new LSTM({ inputSize: 2, hiddenSize: 3, random }),
      new LastStep(),
      new Dense({ inputSize: 3, outputSize: 1, random }),
    ]);
  };
  const values = (model: Sequential) => Object.values(model.parameters()).map((parameter) => [...parameter.data]);
  assert.deepEqual(values(make(5)), values(make(5)));
  assert.notDeepEqual(values(make(5)), values(make(6)));
  assert.throws(() => loadParameters(make(5).parameters(), new Map()), /0\.inputWeight is missing/);
});

Deno.test("wrong shapes and sizes are refused by name", () => {
  const dense = new Dense({ inputSize: 2, outputSize: 1 });
  assert.throws(() => dense.forward(tensor([[1, 2, 3]])), {
    name: "TypeError",
    message: "Cannot run Dense: x must have shape [..., inputSize = 2], got [1, 3]",
  });
  assert.throws(() => dense.forward(tensor(1)), /got \[\]/);
  assert.throws(
    () => new Dense({ inputSize: 1.5, outputSize: 1 }),
    /inputSize must be an integer of 1 or more, got 1.5/,
  );
  assert.throws(() => new LastStep().forward(tensor([[1]])), {
    message: "Cannot take the last step: x must have shape [batch, time, features], got [1, 1]",
  });
  assert.throws(() => meanSquaredError(tensor([[1], [2]]), tensor([1, 2])), {
    message: "Cannot compute the mean squared error: prediction and target must have equal shapes, got [2, 1] and [2]",
  });
});

Deno.test("LayerNorm: value and gradients equal the Float64 oracle's", () => {
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

Deno.test("LayerNorm refuses sizes that differ", () => {
  assert.throws(
    () => new LayerNorm({ size: 2 }).forward(tensor([[1]])),
    /x must have shape \[..., size = 2\], got \[1, 1\]/,
  );
  assert.throws(() => new LayerNorm({ size: 2, eps: 0 }), /eps must be above 0, got 0/);
});

Deno.test("Embedding: rows by token; padding gets no gradient and stays 0", () => {
  using _ = scope();
  const layer = new Embedding({ vocabularySize: 4, outputSize: 2, paddingIndex: 1, random: new Random(1) });
  const y = layer.forward(tensor([[3, 1], [3, 0]], { dtype: "i32" }));
  const rows = layer.weight.toArray() as number[][];
  assert.deepEqual(y.toArray(), [[rows[3], [0, 0]], [rows[3], rows[0]]]);
  y.backward(tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]));
  assert.deepEqual(layer.weight.grad.toArray(), [[7, 8], [0, 0], [0, 0], [6, 8]]);
  assert.throws(() => layer.forward(tensor([4], { dtype: "i32" })), /indices must be rows from 0 to 3, got 4/);
  assert.throws(() => layer.forward(tensor([1]) as unknown as Tensor<"i32">), /x must hold integers \(i32\), got f32/);
  assert.throws(
    () => new Embedding({ vocabularySize: 4, outputSize: 2, paddingIndex: 4 }),
    /paddingIndex must be from 0 to 3, got 4/,
  );
});

Deno.test("Dropout acts while the tape records and not otherwise", () => {
  using _ = scope();
  const layer = new Dropout({ rate: 0.5, random: new Random(1) });
  const x = tensor(new Float32Array(1000).fill(1), { requiresGrad: true });
  const y = layer.forward(x);
  assert.deepEqual(new Set(y.data), new Set([0, 2]));
  assert.equal(layer.forward(tensor([1])).item(), 1);
  assert.throws(() => new Dropout({ rate: 1 }), /rate must be at least 0 and below 1, got 1/);
});

Deno.test("integers where floats belong are refused", () => {
  const tokens = tensor([[[1]]], { dtype: "i32" }) as unknown as Tensor;
  assert.throws(() => new LSTM({ inputSize: 1, hiddenSize: 1 }).forward(tokens), /x must hold floats \(f32\), got i32/);
  assert.throws(
    () => new Dense({ inputSize: 1, outputSize: 1 }).forward(tokens),
    /x must hold floats \(f32\), got i32/,
  );
});

Deno.test("LastStep: with lengths, each sequence's own last step; padding gets no gradient", () => {
  const lengths = [2, 4, 1];
  checkOp({
    op: (x) => new LastStep().forward(x!, { lengths }),
    oracle: (x) => ({
      shape: [3, 2],
      data: Float64Array.from(
        lengths.flatMap((n, row) => [...x!.data.subarray((row * 4 + n - 1) * 2, (row * 4 + n) * 2)]),
      ),
    }),
    shapes: [[3, 4, 2]],
  });
  assert.throws(
    () => new LastStep().forward(zeros([1, 2, 1]), { lengths: [0] }),
    /integers from 1 to the 2 time steps, got 0/,
  );
});

Deno.test("summary: a table with one line a layer, tokens as input too", () => {
  const model = new Sequential([
    new Embedding({ vocabularySize: 65, outputSize: 8 }),
    new LSTM({ inputSize: 8, hiddenSize: 16, layers: 2, bidirectional: true }),
    new Dense({ inputSize: 32, outputSize: 65 }),
  ]);
  assert.equal(
    String(summary(model, [2, 5], { dtype: "i32" })),
    [
      "layer        output      parameters",
      "0 Embedding  [2, 5, 8]          520",
      "1 LSTM       [2, 5, 32]       9,472",
      "2 Dense      [2, 5, 65]       2,145",
      "all                          12,137",
    ].join("\n"),
  );
});

Deno.test("orthogonal: the columns of each block are orthonormal, both signs of the determinant come up", () => {
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

Deno.test("LayerNorm: no digits are lost where large numbers lie close together", () => {
  using _ = scope();
  for (const size of [4, 5, 11]) {
    const x = Float32Array.from({ length: size }, (_, i) => 16_777_216 + 2 * (i * 7 % size));
    const mean = x.reduce((a, b) => a + b, 0) / size;
    const deviation = Math.sqrt(x.reduce((total, value) => total + (value - mean) ** 2, 0) / size + 1e-5);
    const y = new LayerNorm({ size }).forward(tensor(x, { shape: [1, size] }));
    assertClose(y.data, [...x].map((value) => (value - mean) / deviation), { tolerance: 1e-6 });
  }
});

Deno.test("constant: what is not finite is refused", () => {
  assert.throws(() => constant(NaN), {
    name: "RangeError",
    message: "Cannot initialize with a constant: value must be a finite number, got NaN",
  });
});
