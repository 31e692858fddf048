import { add, multiply, scope, sum, type Tensor, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { lstmSequence } from "./_lstm_sequence.ts";
import golden from "./testdata/pytorch.json" with { type: "json" };

/** A tensor as the golden files hold it. */
interface Entry {
  shape: number[];
  data: number[];
}

function made({ shape, data }: Entry, requiresGrad = false): Tensor {
  return tensor(Float32Array.from(data), { shape, requiresGrad });
}

Deno.test("LSTM: outputs and gradients equal PyTorch's", () => {
  using _ = scope();
  const { inputs, outputs, weights, gradients } = golden.lstm;
  const [x, h, c, u, w, b] = [
    made(inputs.x, true),
    made(inputs.h, true),
    made(inputs.c, true),
    made(inputs.inputWeight, true),
    made(inputs.recurrentWeight, true),
    made(inputs.bias, true),
  ];
  const results = lstmSequence(x, h, c, u, w, b);
  results.forEach((result, i) => assertClose(result.data, outputs[i]!.data, { tolerance: 1e-5, name: `output ${i}` }));
  results.map((result, i) => sum(multiply(result, made(weights[i]!)))).reduce((a, b) => add(a, b)).backward();
  Object.entries({ x, h, c, inputWeight: u, recurrentWeight: w, bias: b }).forEach(([name, input]) => {
    assertClose(input.grad!.data, gradients[name as keyof typeof gradients].data, { tolerance: 1e-5, name });
  });
});
