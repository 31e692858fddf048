import fc from "fast-check";
import assert from "node:assert/strict";
import { Random, scope, slice, sum, tensor, zeros } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import { Sequential } from "../sequential.ts";
import { GRU } from "./gru.ts";
import { LSTM } from "./lstm.ts";
import { FinalState, LastStep, MaxSteps, MeanSteps } from "./pooling.ts";
import { SimpleRNN } from "./simple_rnn.ts";

Deno.test("LastStep: only the last step gets a gradient", () => {
  checkOp({
    op: (x) => new LastStep().forward(x!),
    oracle: ({ data } = { shape: [], data: new Float64Array() }) => ({
      shape: [2, 3],
      data: data.filter((_, i) => Math.floor(i / 3) % 4 === 3),
    }),
    shapes: [[2, 4, 3]],
  });
});

Deno.test("LastStep: with lengths it takes the last step of each sequence, and padding gets no gradient", () => {
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

Deno.test("LastStep: an input without a time axis is rejected", () => {
  assert.throws(() => new LastStep().forward(tensor([[1]])), {
    message: "Cannot take the last step: x must have shape [batch, time, features], got [1, 1]",
  });
});

for (const [name, make] of [["SimpleRNN", SimpleRNN], ["LSTM", LSTM], ["GRU", GRU]] as const) {
  for (const directions of [1, 2] as const) {
    for (const layers of [1, 2]) {
      Deno.test(`FinalState: the last hidden state of ${layers} ${name} with ${directions} directions, with lengths and without`, () => {
        using _ = scope();
        const random = new Random(1);
        const options = { inputSize: 3, hiddenSize: 4, layers, bidirectional: directions === 2, random };
        const layer = new make(options);
        const x = tensor(Float32Array.from({ length: 3 * 5 * 3 }, () => random.normal()), { shape: [3, 5, 3] });
        for (const lengths of [undefined, [5, 1, 3]]) {
          const given = lengths === undefined ? {} : { lengths };
          const { hidden } = layer.run(x, given).state;
          const last = slice(hidden, { axis: 1, start: hidden.shape[1]! - layer.outputSize });
          const model = new Sequential([layer, new FinalState({ directions })]);
          assert.deepEqual(model.forward(x, given).toArray(), last.toArray());
        }
      });
    }
  }
}

Deno.test("FinalState: the second half of two directions comes from the first step; padding gets no gradient", () => {
  for (const lengths of [undefined, [2, 4, 1]]) {
    checkOp({
      op: (x) => new FinalState({ directions: 2 }).forward(x!, lengths === undefined ? {} : { lengths }),
      oracle: ({ data } = { shape: [], data: new Float64Array() }) => ({
        shape: [3, 6],
        data: Float64Array.from({ length: 18 }, (_, i) => {
          const [row, column] = [Math.floor(i / 6), i % 6];
          const step = column < 3 ? (lengths?.[row] ?? 4) - 1 : 0;
          return data[(row * 4 + step) * 6 + column]!;
        }),
      }),
      shapes: [[3, 4, 6]],
    });
  }
  assert.throws(() => new FinalState({ directions: 2 }).forward(zeros([1, 2, 3])), {
    message:
      "Cannot take the final state: x must have an even number of features, half for each direction, got [1, 2, 3]",
  });
  assert.throws(() => new FinalState({ directions: 3 as 2 }), {
    name: "RangeError",
    message: "Cannot make FinalState: directions must be 1 or 2, got 3",
  });
});

/** A pooling over the steps of each sequence, in 64-bit floats. */
function poolingOracle(lengths: readonly number[], pool: (values: Float64Array) => number) {
  return ({ data, shape }: Oracle = { shape: [], data: new Float64Array() }): Oracle => {
    const [batch, time, features] = shape as [number, number, number];
    return {
      shape: [batch, features],
      data: Float64Array.from({ length: batch * features }, (_, i) => {
        const [row, column] = [Math.floor(i / features), i % features];
        return pool(
          Float64Array.from({ length: lengths[row]! }, (_, t) => data[(row * time + t) * features + column]!),
        );
      }),
    };
  };
}

const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;
const poolings = [[new MeanSteps(), mean], [new MaxSteps(), (values: Float64Array) => Math.max(...values)]] as const;

for (const [layer, pool] of poolings) {
  const { name } = layer.constructor;
  Deno.test(`${name}: value and gradient match a Float64 oracle, with lengths and without`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.nat(1e6),
        (lengths, seed) => {
          const shapes = [[lengths.length, 5, 3]];
          const all = lengths.map(() => 5);
          checkOp({ op: (x) => layer.forward(x!), oracle: poolingOracle(all, pool), shapes, seed });
          checkOp({ op: (x) => layer.forward(x!, { lengths }), oracle: poolingOracle(lengths, pool), shapes, seed });
        },
      ),
      { numRuns: 30 },
    );
  });

  Deno.test(`${name}: padding may hold anything, and gets no gradient`, () => {
    using _ = scope();
    const x = tensor([[[1], [NaN], [Infinity]], [[-2], [-3], [NaN]]], { requiresGrad: true });
    const y = layer.forward(x, { lengths: [1, 2] });
    assert.deepEqual(y.toArray(), [[1], [name === "MaxSteps" ? -2 : -2.5]]);
    sum(y).backward();
    const [half, other] = name === "MaxSteps" ? [1, 0] : [0.5, 0.5];
    assert.deepEqual(x.grad!.toArray(), [[[1], [0], [0]], [[half], [other], [0]]]);
    assert.ok(Number.isNaN(layer.forward(x).data[0]!));
    assert.throws(
      () => layer.forward(x, { lengths: [0, 1] }),
      /lengths must be integers from 1 to the 3 time steps, got 0/,
    );
    assert.throws(() => layer.forward(zeros([1, 0, 1])), /x must have at least one time step, got \[1, 0, 1\]$/);
    assert.throws(() => layer.forward(zeros([1, 2])), /x must have shape \[batch, time, features\], got \[1, 2\]$/);
  });
}
