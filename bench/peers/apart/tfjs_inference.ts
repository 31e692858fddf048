/** The character model in TensorFlow.js: tfjs_inference.ts stream|batch HIDDEN FOLDER BACKEND. */

import { readFile } from "node:fs/promises";
import process from "node:process";
import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import {
  CHARACTERS,
  characterShapes,
  characterWeights,
  INPUTS,
  magnitude,
  serve,
  tokens,
} from "../_workload.ts";

const [task, size, folder, backend] = process.argv.slice(2) as [string, string, string, string];
const { vocabulary, input, batch, time } = CHARACTERS;
const hidden = Number(size);
if (backend === "tensorflow") await import("npm:@tensorflow/tfjs-node@4.22.0");
await tf.setBackend(backend);
await tf.ready();

const shapes = characterShapes(hidden);
const weights = characterWeights(new Uint8Array(await readFile(`${folder}/${hidden}.f32`)), hidden).map((data, i) =>
  tf.tensor(data, shapes[i] as number[])
);
const text = tokens(batch * time, vocabulary, INPUTS);

if (task === "batch") {
  const model = tf.sequential();
  model.add(tf.layers.embedding({ inputDim: vocabulary, outputDim: input, inputShape: [time] }));
  model.add(
    tf.layers.lstm({
      units: hidden,
      returnSequences: true,
      recurrentActivation: "sigmoid",
      recurrentInitializer: "zeros",
    }),
  );
  model.add(tf.layers.dense({ units: vocabulary }));
  model.setWeights(weights);
  const x = tf.tensor(text, [batch, time], "int32");
  let first = true;
  await serve(() => {
    const output = tf.tidy(() => model.apply(x) as tf.Tensor);
    const logits = output.dataSync() as Float32Array;
    output.dispose();
    if (!first) return logits[0]!;
    first = false;
    return magnitude(logits);
  });
} else {
  // One product for each step. A model with `stateful: true` computes the same, through more layers.
  const [embedding, u, w, b, v, d] = weights as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor2D, tf.Tensor1D];
  const kernel = tf.concat([u, w], 0);
  let [h, c] = [tf.zeros([1, hidden]), tf.zeros([1, hidden])];
  let place = 0;
  await serve(() => {
    const [logits, nextH, nextC] = tf.tidy(() => {
      const x = tf.gather(embedding, tf.tensor1d([text[place++ % text.length]!], "int32"));
      const [i, f, g, o] = tf.split(tf.add(tf.matMul(tf.concat([x, h], 1), kernel), b), 4, 1) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const after = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      const output = tf.mul(tf.sigmoid(o), tf.tanh(after)) as tf.Tensor2D;
      return [tf.add(tf.matMul(output, v), d), output, after];
    }) as [tf.Tensor, tf.Tensor, tf.Tensor];
    h.dispose();
    c.dispose();
    [h, c] = [nextH, nextC];
    const values = logits.dataSync() as Float32Array;
    logits.dispose();
    return place === 1 ? magnitude(values) : values[0]!;
  });
}
