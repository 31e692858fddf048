import { add, loadParameters, multiply, scope, sum, type Tensor, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { Dense } from "./dense.ts";
import { Embedding } from "./embedding.ts";
import type { Layer, RecurrentState } from "./layer.ts";
import { binaryCrossEntropy, softmaxCrossEntropy } from "./losses/classification.ts";
import { gaussianNegativeLogLikelihood, huber, meanAbsoluteError, meanSquaredError } from "./losses/regression.ts";
import { LayerNorm } from "./normalization.ts";
import { GRU } from "./recurrent/gru.ts";
import { LSTM } from "./recurrent/lstm.ts";
import type { Recurrent, RecurrentOptions } from "./recurrent/recurrent.ts";
import { SimpleRNN } from "./recurrent/simple_rnn.ts";
import recurrent from "./testdata/pytorch.json" with { type: "json" };
import feedforward from "./testdata/pytorch_feedforward.json" with { type: "json" };

/** A tensor as the golden files hold it. */
interface Entry {
  shape: number[];
  data: number[];
}

function made({ shape, data }: Entry, requiresGrad = false): Tensor {
  return tensor(Float32Array.from(data), { shape, requiresGrad });
}

const makers: Record<string, (options: RecurrentOptions) => Recurrent<RecurrentState>> = {
  "SimpleRNN tanh": (options) => new SimpleRNN(options),
  "SimpleRNN relu": (options) => new SimpleRNN({ ...options, activation: "relu" }),
  LSTM: (options) => new LSTM(options),
  GRU: (options) => new GRU(options),
};

for (const { cell, layers, bidirectional, ...expected } of recurrent.cases) {
  Deno.test(`${cell}, layers ${layers}, bidirectional ${bidirectional}: outputs and gradients match PyTorch`, () => {
    using _ = scope();
    const inputSize = expected.x.shape[2]!;
    const hiddenSize = expected.parameters.recurrentWeight.shape[0]!;
    const layer = makers[cell]!({ inputSize, hiddenSize, layers, bidirectional });
    const values = Object.entries(expected.parameters as Record<string, Entry>).map(([name, { shape, data }]) =>
      [name, { dtype: "F32" as const, shape, data: Float32Array.from(data) }] as const
    );
    loadParameters(layer.parameters(), new Map(values));
    const x = made(expected.x, true);
    const states = expected.states.map((state) => made(state, true));
    const names = ["hidden", "cell"].slice(0, states.length);
    const { output, state } = layer.run(x, { state: Object.fromEntries(names.map((name, i) => [name, states[i]!])) });
    const results = [output, ...names.map((name) => state[name]!)];
    results.forEach((result, i) => {
      assertClose(result.data, expected.outputs[i]!.data, { tolerance: 1e-5, name: `output ${i}` });
    });
    results.map((result, i) => sum(multiply(result, made(expected.weights[i]!)))).reduce((a, b) => add(a, b))
      .backward();
    const { gradients } = expected;
    assertClose(x.grad!.data, gradients.x.data, { tolerance: 1e-5, name: "x" });
    states.forEach((given, i) => {
      assertClose(given.grad!.data, gradients.states[i]!.data, { tolerance: 1e-5, name: `state ${i}` });
    });
    for (const [name, parameter] of Object.entries(layer.parameters())) {
      const { data } = (gradients.parameters as Record<string, Entry>)[name]!;
      assertClose(parameter.grad.data, data, { tolerance: 1e-5, name });
    }
  });
}

const layers: Record<string, () => Layer> = {
  Dense: () => new Dense({ inputSize: 4, outputSize: 2 }),
  LayerNorm: () => new LayerNorm({ size: 4 }),
  Embedding: () => new Embedding({ vocabularySize: 4, outputSize: 3 }),
  "Embedding, padding": () => new Embedding({ vocabularySize: 4, outputSize: 3, paddingIndex: 0 }),
};

const losses: Record<string, (prediction: Tensor, target: Tensor) => Tensor> = {
  meanSquaredError,
  meanAbsoluteError,
  huber: (x, y) => huber(x, y, { delta: 0.7 }),
  softmaxCrossEntropy: (x, y) => softmaxCrossEntropy(x, integers(y)),
  "softmaxCrossEntropy, ignore": (x, y) => softmaxCrossEntropy(x, integers(y), { ignoreIndex: 2 }),
  "softmaxCrossEntropy, smooth": (x, y) => softmaxCrossEntropy(x, integers(y), { labelSmoothing: 0.1 }),
  binaryCrossEntropy,
  gaussianNegativeLogLikelihood,
};

function integers(x: Tensor): Tensor<"i32"> {
  return x as unknown as Tensor<"i32">;
}

for (const { name, inputs, output, weights, gradients } of feedforward.cases) {
  Deno.test(`${name}: value and gradients match PyTorch`, () => {
    using _ = scope();
    const given = inputs.map(({ dtype, shape, data }) =>
      dtype === "i32"
        ? tensor(Int32Array.from(data), { shape }) as unknown as Tensor
        : tensor(Float32Array.from(data), { shape, requiresGrad: true })
    );
    const layer = layers[name]?.();
    let parameters: Tensor[] = given.slice(1);
    if (layer !== undefined) {
      parameters = Object.values(layer.parameters());
      const values = Object.keys(layer.parameters()).map((name, i) => {
        const { shape, data } = inputs[1 + i]!;
        return [name, { dtype: "F32" as const, shape, data: Float32Array.from(data) }] as const;
      });
      loadParameters(layer.parameters(), new Map(values));
    }
    const made = layer?.forward(given[0]!) ?? losses[name]!(given[0]!, given[1]!);
    assertClose(made.data, output.data, { tolerance: 1e-6, name: "output" });
    sum(multiply(made, tensor(Float32Array.from(weights.data), { shape: weights.shape }))).backward();
    [given[0]!, ...parameters].forEach((input, i) => {
      const expected = gradients[i];
      if (expected) assertClose(input.grad!.data, expected.data, { tolerance: 1e-6, name: `gradient of input ${i}` });
    });
  });
}
