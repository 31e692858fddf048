/**
 * Times recurrent layers on the sizes of `peers/workloads.json`: milliseconds of a forward pass, and of a forward and a backward
 * pass, with WebAssembly and with OpenBLAS, each on one and two threads.
 *
 *     deno task bench layers
 *
 * @module
 */

import { noGrad, Random, scope, sum, type Tensor } from "@unfold/core";
import { GRU, LSTM, type Recurrent, type RecurrentOptions, type RecurrentState, SimpleRNN } from "@unfold/layers";
import { table } from "../apps/shared/format.ts";
import { drawTensor, median, onEngine, roundOf, threeDigits } from "./_measure.ts";
import { loadWorkloads } from "./peers/_workload.ts";

const CELLS: Record<string, (options: RecurrentOptions) => Recurrent<RecurrentState>> = {
  SimpleRNN: (options) => new SimpleRNN(options),
  LSTM: (options) => new LSTM(options),
  GRU: (options) => new GRU(options),
};

const ROUNDS = 15;
/** One workload of each size: all cells run on it. */
const WORKLOADS = (await loadWorkloads()).filter(({ cell }) => cell === "lstm");

function milliseconds(f: () => void): number {
  return 1000 * median(Array.from({ length: ROUNDS }, roundOf(f)));
}

/** Times a layer: forward, and forward with backward. */
function measure(layer: Recurrent<RecurrentState>, x: Tensor): string {
  const forward = milliseconds(() => {
    using _ = scope();
    noGrad(() => layer.forward(x));
  });
  const both = milliseconds(() => {
    using _ = scope();
    sum(layer.forward(x)).backward();
    for (const parameter of Object.values(layer.parameters())) parameter.zeroGrad();
  });
  return `${threeDigits(forward)} / ${threeDigits(both)}`;
}

/** Times each cell on each workload. */
function column(): string[] {
  return WORKLOADS.flatMap(({ batch, time, input, hidden, layers }) => {
    const options = { inputSize: input, hiddenSize: hidden, layers, random: new Random(1) };
    using x = drawTensor([batch, time, input]);
    return Object.values(CELLS).map((make) => measure(make(options), x));
  });
}

const columns = [
  column(),
  await onEngine({ threads: 2 }, column),
  await onEngine({ blas: true }, column),
  await onEngine({ blas: true, threads: 2 }, column),
];
const names = WORKLOADS.flatMap(({ name }) => Object.keys(CELLS).map((cell) => `${name}, ${cell}`));
console.log("Milliseconds: forward / forward and backward\n");
console.log(table(
  ["workload", "WebAssembly", "2 threads", "OpenBLAS", "2 threads"],
  names.map((name, row) => [name, ...columns.map((column) => column?.[row] ?? "—")]),
));
