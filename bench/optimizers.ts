/**
 * Times a step of each optimizer, including zeroing the gradients, in nanoseconds per parameter. Compares its memory
 * traffic with the bandwidth of a probe in the same rounds, and its time with a plain TypeScript loop and with PyTorch,
 * if it is installed.
 *
 *     deno task bench optimizers
 *
 * @module
 */

import { Parameter } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import {
  adadelta,
  adagrad,
  adam,
  adamW,
  lion,
  nadam,
  Optimizer,
  type OptimizerPlugin,
  rmsprop,
  sgd,
} from "@unfold/optimizers";
import { table } from "../apps/shared/format.ts";
import { plainRules } from "../optimizers/rules/_plain_rules_test.ts";
import { pythonWith } from "../tools/testing.ts";
import { median, outputOf, roundOf } from "./_measure.ts";

const SIZES = [1e3, 1e5, 1e7];
const ROUNDS = 9;

/** A rule, the same rule as a plain loop, and its number of slots. */
interface Entry {
  readonly make: () => OptimizerPlugin;
  readonly plain: () => OptimizerPlugin;
  readonly slots: number;
}

const centred = { centered: true, momentum: 0.9 };
const RULES: Record<string, Entry> = {
  sgd: { make: () => sgd(), plain: () => plainRules.sgd(), slots: 0 },
  "sgd, momentum": { make: () => sgd({ momentum: 0.9 }), plain: () => plainRules.sgd({ momentum: 0.9 }), slots: 1 },
  adam: { make: () => adam(), plain: () => plainRules.adam(), slots: 2 },
  "adam, amsgrad": { make: () => adam({ amsgrad: true }), plain: () => plainRules.adam({ amsgrad: true }), slots: 3 },
  adamW: { make: () => adamW(), plain: () => plainRules.adam({ weightDecay: 0.01 }), slots: 2 },
  rmsprop: { make: () => rmsprop(), plain: () => plainRules.rmsprop(), slots: 1 },
  "rmsprop, centred, momentum": { make: () => rmsprop(centred), plain: () => plainRules.rmsprop(centred), slots: 3 },
  adagrad: { make: () => adagrad(), plain: () => plainRules.adagrad(), slots: 1 },
  adadelta: { make: () => adadelta(), plain: () => plainRules.adadelta(), slots: 2 },
  nadam: { make: () => nadam(), plain: () => plainRules.nadam(), slots: 2 },
  lion: { make: () => lion(), plain: () => plainRules.lion(), slots: 1 },
};

/** Times functions in alternating rounds, and returns the median nanoseconds of each. */
function nanoseconds(functions: readonly (() => void)[]): number[] {
  const timed = functions.map(roundOf);
  const rounds = Array.from({ length: ROUNDS }, () => timed.map((round) => round()));
  return functions.map((_, index) => 1e9 * median(rounds.map((round) => round[index]!)));
}

/** Returns a function that takes one step. */
function stepper(plugin: OptimizerPlugin, size: number): () => void {
  const weight = new Parameter([size]);
  const optimizer = new Optimizer({ weight }, [plugin], { learningRate: 1e-3 });
  weight.grad.data.fill(0.1);
  return () => optimizer.step();
}

/** Times PyTorch: nanoseconds per parameter by rule and size, the smaller of one and two threads. */
function pytorch(): Map<string, number> {
  const found = new Map<string, number>();
  const python = pythonWith("torch");
  if (python === undefined) {
    console.error("skipping PyTorch: it is not installed");
    return found;
  }
  const script = new URL("./optimizers.py", import.meta.url).pathname;
  const run = (threads: number) => outputOf(python, [script, ...[threads, ...SIZES].map(String)]).split("\n");
  for (const line of [1, 2].flatMap(run)) {
    const { rule, size, nanoseconds } = JSON.parse(line);
    const key = `${rule} ${size}`;
    found.set(key, Math.min(nanoseconds, found.get(key) ?? Infinity));
  }
  return found;
}

const peer = pytorch();
for (const size of SIZES) {
  const array = new Parameter([size]);
  const probes = [
    () => coreKernels.affine(array.offset, array.offset, size, 1.0000001, 0),
    () => void coreKernels.sum(array.offset, size),
  ];
  const bandwidths: number[] = [];
  const measured = Object.entries(RULES).map(([name, { make, plain, slots }]) => {
    const functions = [stepper(make(), size), stepper(plain(), size), ...probes];
    const [ours, loop, scale, sum] = nanoseconds(functions) as [number, number, number, number];
    bandwidths.push(Math.max(8 * size / scale, 4 * size / sum));
    // Parameters and slots are read and written; gradients are read and set to 0.
    return { name, ours, loop, bandwidth: 4 * (2 * (1 + slots) + 2) * size / ours };
  });
  const limit = median(bandwidths);
  console.log(`\n${size.toLocaleString("en")} parameters; probe ${limit.toFixed(0)} GB/s\n`);
  console.log(table(
    ["rule", "ns/parameter", "GB/s", "of probe", "plain loop ÷ ours", "PyTorch ÷ ours"],
    measured.map(({ name, ours, loop, bandwidth }) => {
      const theirs = peer.get(`${name} ${size}`);
      return [
        name,
        (ours / size).toFixed(2),
        bandwidth.toFixed(1),
        `${(100 * bandwidth / limit).toFixed(0)} %`,
        (loop / ours).toFixed(2),
        theirs === undefined ? "—" : (theirs * size / ours).toFixed(2),
      ];
    }),
  ));
}
