import { multiply, Random, scope, slice, sum, type Tensor, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import assert from "node:assert/strict";
import { gradientFlow } from "./gradient_flow.ts";
import { GRU } from "./gru.ts";
import type { RecurrentState } from "../layer.ts";
import { LSTM } from "./lstm.ts";
import type { Recurrent, RecurrentOptions } from "./recurrent.ts";
import { SimpleRNN } from "./simple_rnn.ts";

const makers: Record<string, (options: RecurrentOptions) => Recurrent<RecurrentState>> = {
  SimpleRNN: (options) => new SimpleRNN(options),
  LSTM: (options) => new LSTM(options),
  GRU: (options) => new GRU(options),
};

for (const [name, make] of Object.entries(makers)) {
  Deno.test(`gradientFlow: ${name}: the norms match central differences in the states`, () => {
    using _ = scope();
    const random = new Random(2);
    const [batch, time, hidden] = [2, 5, 3];
    const layer = make({ inputSize: 2, hiddenSize: hidden, random });
    const x = tensor(Float32Array.from({ length: batch * time * 2 }, () => random.normal()), {
      shape: [batch, time, 2],
    });
    const weights = tensor(Float32Array.from({ length: batch * time * hidden }, () => random.normal()), {
      shape: [batch, time, hidden],
    });
    const loss = (output: Tensor) => sum(multiply(output, weights));
    sum(layer.forward(x)).backward();
    const before = Object.values(layer.parameters()).map((parameter) => parameter.grad.data.slice());
    const norms = gradientFlow(layer, x, loss);
    Object.values(layer.parameters()).forEach((parameter, i) => assert.deepEqual(parameter.grad.data, before[i]));

    for (let t = 0; t < time; t++) {
      // The loss as a function of the state after step t: the output of that step, and everything after it.
      const { state } = layer.run(slice(x, { axis: 1, end: t + 1 }));
      const own = slice(weights, { axis: 1, start: t, end: t + 1 }).data;
      const from = (hiddenState: Tensor) => {
        const here = own.reduce((total, weight, i) => total + weight * hiddenState.data[i]!, 0);
        if (t === time - 1) return here;
        const rest = layer.run(slice(x, { axis: 1, start: t + 1 }), { state: { ...state, hidden: hiddenState } });
        return here + sum(multiply(rest.output, slice(weights, { axis: 1, start: t + 1 }))).item();
      };
      let squares = 0;
      for (let i = 0; i < batch * hidden; i++) {
        const at = (h: number) => {
          const values = state.hidden!.data.slice();
          values[i]! += h;
          return from(tensor(values, { shape: [batch, hidden] }));
        };
        squares += ((at(1e-2) - at(-1e-2)) / 2e-2) ** 2;
      }
      assertClose([norms[t]!], [Math.sqrt(squares)], { tolerance: 1e-3, floor: 0, name: `step ${t}` });
    }
  });
}

Deno.test("gradientFlow: bidirectional layers and inputs of the wrong shape are rejected", () => {
  const layer = new GRU({ inputSize: 1, hiddenSize: 1, bidirectional: true });
  assert.throws(() => gradientFlow(layer, tensor([[[1]]]), sum), /got a bidirectional one/);
  assert.throws(() => gradientFlow(layer, tensor([[1]]), sum), /Cannot follow the gradient: x must have shape/);
});
