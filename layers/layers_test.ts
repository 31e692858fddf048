import { full, loadParameters, Random, scope, type Tensor, tensor, zeros } from "@unfold/core";
import { assertClose, checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Dense } from "./dense.ts";
import { LastStep } from "./last_step.ts";
import { LSTM } from "./lstm.ts";
import { meanSquaredError } from "./mean_squared_error.ts";
import { Sequential } from "./sequential.ts";

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

Deno.test("meanSquaredError: value and both gradients equal the Float64 oracle's", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(1e6), (n, seed) => {
    checkOp({
      op: (p, t) => meanSquaredError(p!, t!),
      oracle: (p, t) => {
        return {
          shape: [],
          data: Float64Array.of(p!.data.reduce((total, v, i) => total + (v - t!.data[i]!) ** 2, 0) / n),
        };
      },
      shapes: [[n, 1], [n, 1]],
      seed,
    });
  }));
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
