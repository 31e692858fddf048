/** Unfold on one workload: unfold.ts WORKLOAD SECONDS THREADS; 0 threads are the WebAssembly kernels, others OpenBLAS's. */

import { scope, type Tensor, tensor, useBlas } from "@unfold/core";
import {
  Dense,
  Embedding,
  GRU,
  LastStep,
  type Layer,
  LSTM,
  meanSquaredError,
  Sequential,
  SimpleRNN,
  softmaxCrossEntropy,
} from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import { INPUTS, loadWorkload, numbers, report, TARGETS, tokens } from "./_workload.ts";

const [name, seconds, threads] = Deno.args as [string, string, string];
const { cell, batch, time, vocabulary, input, hidden, layers, output, loss } = await loadWorkload(name);
if (threads !== "0") useBlas(undefined, { threads: Number(threads) });

const sizes = { inputSize: input, hiddenSize: hidden, layers };
const model = new Sequential([
  ...(vocabulary === undefined ? [] : [new Embedding({ vocabularySize: vocabulary, outputSize: input })]),
  (cell === "lstm" ? new LSTM(sizes) : cell === "gru" ? new GRU(sizes) : new SimpleRNN(sizes)) as Layer,
  ...(loss === "each" ? [] : [new LastStep()]),
  new Dense({ inputSize: hidden, outputSize: output }),
]);
let place = 0;
for (const { data } of Object.values(model.parameters())) {
  data.set(numbers(data.length, place));
  place += data.length;
}
const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
const shape = vocabulary === undefined ? [batch, time, input] : [batch, time];
const x = vocabulary === undefined
  ? tensor(numbers(batch * time * input, INPUTS), { shape })
  : tensor(tokens(batch * time, vocabulary, INPUTS), { shape });
const lossOf = loss === "mse"
  ? ((y: Tensor) => (prediction: Tensor) => meanSquaredError(prediction, y))(
    tensor(numbers(batch * output, TARGETS), { shape: [batch, output] }),
  )
  : ((y: Tensor<"i32">) => (prediction: Tensor) => softmaxCrossEntropy(prediction, y))(
    tensor(tokens(loss === "each" ? batch * time : batch, output, TARGETS), {
      shape: loss === "each" ? [batch, time] : [batch],
    }),
  );

report(() => {
  using _ = scope();
  const error = lossOf(model.forward(x));
  error.backward();
  optimizer.step();
  return error.item();
}, Number(seconds));
