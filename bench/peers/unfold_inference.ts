/**
 * The character model in Unfold. `unfold_inference.ts train FOLDER` trains it a little at each hidden size, and writes its weights and its
 * ONNX files. `unfold_inference.ts stream|batch HIDDEN FOLDER ENGINE THREADS` runs it on WebAssembly or OpenBLAS.
 */

import { noGrad, Random, reshape, scope, tensor, useBlas, useThreads } from "@unfold/core";
import { Dense, Embedding, LSTM, Sequential, softmaxCrossEntropy } from "@unfold/layers";
import { toOnnx } from "@unfold/layers/interchange";
import { adam, Optimizer } from "@unfold/optimizers";
import { CHARACTERS, characterWeights, INPUTS, magnitude, serve, tokens } from "./_workload.ts";

const { vocabulary, input, batch, time } = CHARACTERS;

/** Makes the layers at a hidden size. */
function layersOf(hidden: number) {
  const random = new Random(1);
  return [
    new Embedding({ vocabularySize: vocabulary, outputSize: input, random }),
    new LSTM({ inputSize: input, hiddenSize: hidden, random }),
    new Dense({ inputSize: hidden, outputSize: vocabulary, random }),
  ] as const;
}

/** Trains the model to count through the vocabulary, and writes its files. */
function train(hidden: number, folder: string): void {
  const model = new Sequential(layersOf(hidden));
  const parameters = model.parameters();
  const optimizer = new Optimizer(parameters, [adam()], { learningRate: 1e-2 });
  const text = Int32Array.from({ length: 8 * 17 }, (_, i) => i % vocabulary);
  for (let step = 0; step < 20; step++) {
    using _ = scope();
    const at = (shift: number) =>
      tensor(Int32Array.from({ length: 8 * 16 }, (_, i) => text[i + shift]!), { shape: [8, 16] });
    softmaxCrossEntropy(model.forward(at(0)), at(1)).backward();
    optimizer.step();
  }
  const weights = Object.values(parameters).flatMap(({ data }) => [...data]);
  Deno.writeFileSync(`${folder}/${hidden}.f32`, new Uint8Array(Float32Array.from(weights).buffer));
  Deno.writeFileSync(`${folder}/${hidden}.onnx`, toOnnx(model));
  Deno.writeFileSync(`${folder}/${hidden}.state.onnx`, toOnnx(model, { state: true }));
}

/** Loads the trained layers. */
function load(hidden: number, folder: string) {
  const layers = layersOf(hidden);
  const weights = characterWeights(Deno.readFileSync(`${folder}/${hidden}.f32`), hidden);
  const parameters = Object.values(new Sequential(layers).parameters());
  for (const [i, { data }] of parameters.entries()) data.set(weights[i]!);
  return layers;
}

const [task, hidden, folder, engine, threads] = Deno.args as [string, string, string, string, string];
if (task === "train") { for (const hidden of [64, 128, 512]) train(hidden, Deno.args[1]!); }
else {
  if (engine === "OpenBLAS") useBlas();
  await useThreads(Number(threads));
  const [embedding, lstm, dense] = load(Number(hidden), folder);
  const text = tokens(batch * time, vocabulary, INPUTS);
  if (task === "batch") {
    const model = new Sequential([embedding, lstm, dense]);
    const x = tensor(text, { shape: [batch, time], persistent: true });
    const logits = () => {
      using _ = scope();
      return noGrad(() => model.forward(x)).data.slice();
    };
    let first = true;
    await serve(() => {
      const value = logits();
      if (!first) return value[0]!;
      first = false;
      return magnitude(value);
    });
  } else {
    const state = lstm.initialState(1);
    let place = 0;
    await serve(() => {
      using _ = scope();
      return noGrad(() => {
        const token = tensor([text[place++ % text.length]!], { dtype: "i32", shape: [1, 1] });
        const { output, state: next } = lstm.step(reshape(embedding.forward(token), [1, input]), state);
        const logits = dense.forward(output).data;
        state.hidden.data.set(next.hidden.data);
        state.cell.data.set(next.cell.data);
        return place === 1 ? magnitude(logits) : logits[0]!;
      });
    });
  }
}
