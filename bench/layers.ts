/**
 * Recurrent layers: milliseconds for a forward, and for a forward with its backward, on the workloads that the speed targets
 * name, by WebAssembly and by OpenBLAS on one and two threads where it is installed.
 *
 *     deno task bench:layers
 *
 * @module
 */

import { noGrad, Random, scope, sum, type Tensor, tensor, useBlas } from "@unfold/core";
import { GRU, LSTM, type Recurrent, type RecurrentOptions, type RecurrentState, SimpleRNN } from "@unfold/layers";
import { table } from "../apps/shared/format.ts";
import { median, roundOf } from "./_measure.ts";

/** What a workload's recurrent layer goes over. */
interface Workload {
  readonly name: string;
  readonly batch: number;
  readonly time: number;
  readonly options: RecurrentOptions;
}

const WORKLOADS: readonly Workload[] = [
  { name: "stock", batch: 32, time: 30, options: { inputSize: 8, hiddenSize: 64 } },
  { name: "char", batch: 64, time: 64, options: { inputSize: 64, hiddenSize: 128, layers: 2 } },
  { name: "char-large", batch: 64, time: 128, options: { inputSize: 64, hiddenSize: 512 } },
  { name: "sentiment", batch: 32, time: 256, options: { inputSize: 32, hiddenSize: 50 } },
  { name: "tiny", batch: 1, time: 20, options: { inputSize: 4, hiddenSize: 32 } },
];

const CELLS: Record<string, (options: RecurrentOptions) => Recurrent<RecurrentState>> = {
  SimpleRNN: (options) => new SimpleRNN(options),
  LSTM: (options) => new LSTM(options),
  GRU: (options) => new GRU(options),
};

const ROUNDS = 15;

function milliseconds(f: () => void): number {
  const round = roundOf(f);
  return 1000 * median(Array.from({ length: ROUNDS }, round));
}

function measure(layer: Recurrent<RecurrentState>, x: Tensor): string[] {
  const forward = milliseconds(() => {
    using _ = scope();
    noGrad(() => layer.forward(x));
  });
  const both = milliseconds(() => {
    using _ = scope();
    sum(layer.forward(x)).backward();
    for (const parameter of Object.values(layer.parameters())) parameter.zeroGrad();
  });
  return [forward, both].map((value) =>
    Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 })
  );
}

/** One way of computing: forward, and forward with backward, of each workload and cell. */
function column(): string[][] {
  return WORKLOADS.flatMap(({ batch, time, options }) => {
    const random = new Random(1);
    const values = Float32Array.from({ length: batch * time * options.inputSize }, () => random.normal());
    using x = tensor(values, { shape: [batch, time, options.inputSize] });
    return Object.values(CELLS).map((make) => measure(make({ ...options, random }), x));
  });
}

function blasColumn(threads: number): string[][] {
  try {
    using _ = useBlas(undefined, { threads });
    return column();
  } catch (error) {
    console.error((error as Error).message);
    return WORKLOADS.flatMap(() => Object.keys(CELLS).map(() => ["—", "—"]));
  }
}

const columns = [column(), blasColumn(1), blasColumn(2)];
const names = WORKLOADS.flatMap(({ name }) => Object.keys(CELLS).map((cell) => `${name}, ${cell}`));
console.log("Milliseconds, forward / forward with backward\n");
console.log(table(
  ["workload", "WebAssembly", "OpenBLAS, 1 thread", "2 threads"],
  names.map((name, row) => [name, ...columns.map((column) => column[row]!.join(" / "))]),
));
