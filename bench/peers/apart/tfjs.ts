/** A workload in TensorFlow.js: tfjs.ts WORKLOAD BACKEND. */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import process from "node:process";
import { INPUTS, loadWorkload, numbers, serve, TARGETS, tokens } from "../_workload.ts";

const [name, backend] = process.argv.slice(2) as [string, string];
const { cell, batch, time, vocabulary, input, hidden, layers, output, loss } = await loadWorkload(name);
if (backend === "tensorflow") await import("npm:@tensorflow/tfjs-node@4.22.0");
await tf.setBackend(backend);
await tf.ready();

const model = tf.sequential();
if (vocabulary !== undefined) {
  model.add(tf.layers.embedding({ inputDim: vocabulary, outputDim: input, inputShape: [time] }));
}
for (let layer = 0; layer < layers; layer++) {
  const options = {
    units: hidden,
    returnSequences: loss === "each" || layer < layers - 1,
    recurrentInitializer: "zeros" as const,
    ...(vocabulary === undefined && layer === 0 && { inputShape: [time, input] }),
  };
  model.add(
    cell === "lstm"
      ? tf.layers.lstm({ ...options, recurrentActivation: "sigmoid" })
      : cell === "gru"
      ? tf.layers.gru({ ...options, recurrentActivation: "sigmoid" })
      : tf.layers.simpleRNN(options),
  );
}
model.add(tf.layers.dense({ units: output }));
let place = 0;
model.setWeights(model.getWeights().map(({ shape, size }) => {
  const weight = tf.tensor(numbers(size, place), shape);
  place += size;
  return weight;
}));
const optimizer = tf.train.adam(1e-3);
const x = vocabulary === undefined
  ? tf.tensor(numbers(batch * time * input, INPUTS), [batch, time, input])
  : tf.tensor(tokens(batch * time, vocabulary, INPUTS), [batch, time], "int32");
const y = loss === "mse"
  ? tf.tensor(numbers(batch * output, TARGETS), [batch, output])
  : tf.oneHot(tf.tensor1d(tokens(loss === "each" ? batch * time : batch, output, TARGETS), "int32"), output);

await serve(() => {
  const error = optimizer.minimize(() => {
    const prediction = model.apply(x, { training: true }) as tf.Tensor;
    return loss === "mse"
      ? tf.losses.meanSquaredError(y, prediction)
      : tf.losses.softmaxCrossEntropy(y, prediction.reshape([-1, output])) as tf.Scalar;
  }, true)!;
  const value = error.dataSync()[0]!;
  error.dispose();
  return value;
});
