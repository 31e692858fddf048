import { add, loadParameters, multiply, scope, sum, type Tensor, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { GRU } from "./recurrent/gru.ts";
import { LSTM } from "./recurrent/lstm.ts";
import type { Recurrent, RecurrentOptions } from "./recurrent/recurrent.ts";
import type { RecurrentState } from "./layer.ts";
import { SimpleRNN } from "./recurrent/simple_rnn.ts";
import golden from "./testdata/pytorch.json" with { type: "json" };

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

for (const { cell, layers, bidirectional, ...expected } of golden.cases) {
  Deno.test(`${cell}, layers ${layers}, bidirectional ${bidirectional}: outputs and gradients equal PyTorch's`, () => {
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
