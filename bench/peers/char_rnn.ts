/**
 * Times training of char-rnn's default model (2×128 LSTM, batch 50, 50 characters, RMSprop, gradient clipping, carried state) in
 * characters per second: WebAssembly, OpenBLAS, and PyTorch if it can be installed, in turns.
 *
 *     deno task bench char-rnn
 *
 * @module
 */

import { Random, scope, tensor } from "@unfold/core";
import { CarriedState, Dense, Embedding, LSTM, Sequential, softmaxCrossEntropy } from "@unfold/layers";
import { clipByGlobalNorm, Optimizer, rmsprop } from "@unfold/optimizers";
import { table } from "../../apps/shared/format.ts";
import { environmentIfAny } from "../../tools/python.ts";
import { type EngineOptions, median, onEngine, outputOf } from "../_measure.ts";

const [BATCH, TIME, HIDDEN, LAYERS, VOCABULARY] = [50, 50, 128, 2, 65];
const ROUNDS = 5;
/** Seconds of a round. */
const ROUND = 3;

const random = new Random(1);
const model = new Sequential([
  new Embedding({ vocabularySize: VOCABULARY, outputSize: 64, random }),
  new CarriedState(new LSTM({ inputSize: 64, hiddenSize: HIDDEN, layers: LAYERS, random })),
  new Dense({ inputSize: HIDDEN, outputSize: VOCABULARY, random }),
]);
const rules = [clipByGlobalNorm(5), rmsprop({ alpha: 0.95 })];
const optimizer = new Optimizer(model.parameters(), rules, { learningRate: 2e-3 });
const draw = () => Int32Array.from({ length: BATCH * TIME }, () => random.integer(VOCABULARY));
const [x, y] = [tensor(draw(), { shape: [BATCH, TIME] }), tensor(draw(), { shape: [BATCH, TIME] })];

function step(): void {
  using _ = scope();
  softmaxCrossEntropy(model.forward(x), y).backward();
  optimizer.step();
}

/** Trains for one round; returns characters per second. */
function ours(): number {
  for (let i = 0; i < 3; i++) step();
  const start = performance.now();
  let steps = 0;
  while (performance.now() - start < 1000 * ROUND) {
    step();
    steps++;
  }
  return steps * BATCH * TIME / (performance.now() - start) * 1000;
}

const python = environmentIfAny("bench/peers");

function pytorch(threads: number): (() => number) | undefined {
  const script = new URL("./char_rnn.py", import.meta.url).pathname;
  return python === undefined ? undefined : () => Number(outputOf(python, [script, String(threads), String(ROUND)]));
}

const on = (options: EngineOptions) => () => onEngine(options, ours);
const peers: Record<string, (() => number | Promise<number | undefined>) | undefined> = {
  "WebAssembly, 1 thread": on({}),
  "WebAssembly, 2 threads": on({ threads: 2 }),
  "OpenBLAS, 1 thread": on({ blas: true }),
  "OpenBLAS, 2 threads": on({ blas: true, threads: 2 }),
  "PyTorch, 1 thread": pytorch(1),
  "PyTorch, 2 threads": pytorch(2),
};
const found: { name: string; run: () => number | Promise<number | undefined>; rates: number[] }[] = [];
for (const [name, run] of Object.entries(peers)) {
  const rate = await run?.();
  if (run === undefined || rate === undefined) console.error(`${name} is skipped: it is not installed`);
  else found.push({ name, run, rates: [rate] });
}
for (let round = 1; round < ROUNDS; round++) for (const { run, rates } of found) rates.push((await run())!);
const best = Math.max(...found.filter(({ name }) => name.startsWith("PyTorch")).map(({ rates }) => median(rates)));
const count = (value: number) => Math.round(value).toLocaleString("en");
console.log(
  table(
    ["", "characters/s", "least", "most", "of PyTorch's best"],
    found.map(({ name, rates }) => [
      name,
      count(median(rates)),
      count(Math.min(...rates)),
      count(Math.max(...rates)),
      Number.isFinite(best) ? (median(rates) / best).toFixed(2) : "",
    ]),
  ),
);
