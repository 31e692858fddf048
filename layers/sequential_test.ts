import assert from "node:assert/strict";
import { loadParameters, Random, scope, softmax, sum, tanh, tensor, zeros } from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import { Optimizer, sgd } from "@unfold/optimizers";
import { Dense } from "./dense.ts";
import { Dropout } from "./dropout.ts";
import { Embedding } from "./embedding.ts";
import { Lambda } from "./lambda.ts";
import type { Layer } from "./layer.ts";
import { LayerNorm } from "./normalization.ts";
import { LSTM } from "./recurrent/lstm.ts";
import { FinalState, LastStep, MaxSteps, MeanSteps } from "./recurrent/pooling.ts";
import { Sequential } from "./sequential.ts";
import { summary } from "./summary.ts";

Deno.test("Sequential: the same seed gives the same weights", () => {
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

Deno.test("summary: a table with one line per layer, also for token input", () => {
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

Deno.test("Sequential: an error names the layer that refuses its input, also in a chain in a chain", () => {
  const dense = (inputSize: number, outputSize: number) => new Dense({ inputSize, outputSize });
  const model = new Sequential([dense(2, 3), new Sequential([dense(3, 4), new Dropout({ rate: 0.1 }), dense(5, 1)])]);
  assert.throws(() => model.forward(zeros([6, 2])), {
    name: "TypeError",
    message: "Cannot run Dense: x must have shape [..., inputSize = 5], got [6, 4] (in 1.2 Dense)",
  });
  const lengths = new Sequential([new LSTM({ inputSize: 1, hiddenSize: 1 }), new LastStep()]);
  assert.throws(() => lengths.forward(zeros([1, 2, 1]), { lengths: [0] }), {
    name: "RangeError",
    message: "Cannot take the last step: lengths must be integers from 1 to the 2 time steps, got 0 (in 1 LastStep)",
  });
  class Mine extends Error {}
  const failing = new Lambda(() => {
    throw new Mine("as it is");
  });
  assert.throws(() => new Sequential([failing]).forward(zeros([1])), (error) => {
    return error instanceof Mine && error.message === "as it is";
  });
});

Deno.test("Sequential: LastStep after a bidirectional layer is refused, and so is FinalState for other directions", () => {
  const lstm = (bidirectional: boolean) => new LSTM({ inputSize: 1, hiddenSize: 2, bidirectional });
  const between: Layer[][] = [[], [new Dropout({ rate: 0.1 })], [new LayerNorm({ size: 4 })]];
  for (const layers of between) {
    const message = `Cannot make Sequential: ${1 + layers.length} LastStep must follow a unidirectional layer, ` +
      "got a bidirectional one, whose backward direction has seen a single time step there; " +
      "use new FinalState({ directions: 2 }), MeanSteps or MaxSteps";
    assert.throws(() => new Sequential([lstm(true), ...layers, new LastStep()]), { name: "TypeError", message });
    for (const layer of [new FinalState({ directions: 2 }), new MeanSteps(), new MaxSteps()]) {
      new Sequential([lstm(true), ...layers, layer]);
    }
  }
  const nested: Layer[][] = [
    [new Sequential([lstm(true)]), new LastStep()],
    [lstm(true), new Sequential([new Dropout({ rate: 0.1 }), new LastStep()])],
  ];
  for (const layers of nested) {
    assert.throws(() => new Sequential(layers), /LastStep must follow a unidirectional layer/);
  }
  assert.throws(() => new Sequential([lstm(true), new FinalState()]), {
    name: "TypeError",
    message: "Cannot make Sequential: 1 FinalState must have { directions: 2 }, as the layer before, got 1",
  });
  assert.throws(
    () => new Sequential([lstm(false), new FinalState({ directions: 2 })]),
    /must have \{ directions: 1 \}/,
  );
  new Sequential([lstm(false), new LastStep()]);
  // A Dense mixes the directions of each step.
  new Sequential([lstm(true), new Dense({ inputSize: 4, outputSize: 2 }), new LastStep()]);
});

Deno.test("Sequential: a layer that is in it twice counts once, and learns from both places", () => {
  const random = new Random(1);
  const shared = new Dense({ inputSize: 2, outputSize: 2, random });
  const model = new Sequential([shared, new Lambda(tanh), new Sequential([shared])]);
  assert.deepEqual(Object.keys(model.parameters()), ["0.weight", "0.bias"]);
  const { lines, parameters } = summary(model, [1, 2]);
  assert.deepEqual(lines.map((line) => line.parameters), [6, 0, 0]);
  assert.equal(parameters, 6);
  const weight = shared.weight.data.slice();
  checkOp({
    op: (w) => {
      // The weight under test in place of the parameter.
      const stub = Object.assign(Object.create(Dense.prototype), { weight: w, bias: undefined }) as Dense;
      return new Sequential([stub, new Lambda(tanh), stub]).forward(tensor([[1, -1]]));
    },
    oracle: ({ data } = { shape: [], data: new Float64Array() }) => {
      const times = ([a, b]: [number, number]): [number, number] => {
        return [a * data[0]! + b * data[2]!, a * data[1]! + b * data[3]!];
      };
      return { shape: [1, 2], data: Float64Array.from(times(times([1, -1]).map(Math.tanh) as [number, number])) };
    },
    shapes: [[2, 2]],
  });
  const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
  using _ = scope();
  sum(model.forward(tensor([[1, -1]]))).backward();
  optimizer.step();
  assert.notDeepEqual(shared.weight.data, weight);
});

Deno.test("Lambda: the function gets the lengths, and one of a single tensor works as before", () => {
  using _ = scope();
  const given: unknown[] = [];
  const model = new Sequential([
    new Lambda((x, options) => {
      given.push(options);
      return x;
    }),
    new Lambda(softmax),
  ]);
  const x = tensor([[1, 2]]);
  assert.deepEqual(model.forward(x, { lengths: [1] }).data, softmax(x).data);
  model.forward(x);
  assert.deepEqual(given, [{ lengths: [1] }, {}]);
});
