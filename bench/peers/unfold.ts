/**
 * A workload in Unfold. As a program: unfold.ts WORKLOAD ENGINE THREADS, where the engine is WebAssembly or OpenBLAS.
 */

import { scope, type Tensor, tensor, useBlas, useThreads } from "@unfold/core";
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
import type { Batch, Loss } from "@unfold/training";
import { INPUTS, loadWorkload, numbers, serve, TARGETS, tokens, type Workload } from "./_workload.ts";

/** Builds a workload's model with the weights that all peers start from. */
export function modelOf({ cell, vocabulary, input, hidden, layers, output, loss }: Workload): Sequential {
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
  return model;
}

/** Makes a workload's batch, whose inputs and targets start at a distance from those of all peers. */
export function batchOf({ batch, time, vocabulary, input, output, loss }: Workload, distance = 0): Batch {
  const [inputs, targets] = [INPUTS + distance, TARGETS + distance];
  const x = vocabulary === undefined
    ? tensor(numbers(batch * time * input, inputs), { shape: [batch, time, input] })
    : tensor(tokens(batch * time, vocabulary, inputs), { shape: [batch, time] });
  if (loss === "mse") return { x, y: tensor(numbers(batch * output, targets), { shape: [batch, output] }) };
  const shape = loss === "each" ? [batch, time] : [batch];
  return { x, y: tensor(tokens(shape.reduce((a, b) => a * b), output, targets), { shape }) as unknown as Tensor };
}

/** Returns a workload's loss. */
export function lossOf({ loss }: Workload): Loss {
  return (loss === "mse" ? meanSquaredError : softmaxCrossEntropy) as Loss;
}

if (import.meta.main) {
  const [name, engine, threads] = Deno.args as [string, string, string];
  const workload = await loadWorkload(name);
  if (engine === "OpenBLAS") useBlas();
  await useThreads(Number(threads));
  const model = modelOf(workload);
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
  const { x, y } = batchOf(workload);
  const loss = lossOf(workload);
  await serve(() => {
    using _ = scope();
    const error = loss(model.forward(x), y);
    error.backward();
    optimizer.step();
    return error.item();
  });
}
