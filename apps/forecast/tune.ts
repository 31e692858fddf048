import { type Point, pointsOf } from "../shared/search.ts";
import { exactly, recordOf, sameAs, score } from "../shared/shapes.ts";
import { setBefore } from "./backtest.ts";
import { scoreNetworks, type Terms } from "./compare.ts";
import type { NetworkSettings } from "./networks.ts";
import type { SeriesSet } from "./series_set.ts";

/** The results file of a search: one trial per line. */
export const TUNE_FILE = "tune.jsonl";

const SPACE = {
  cell: ["lstm", "gru", "rnn"],
  hidden: [16, 32, 64, 128],
  dropout: [0, 0.2],
  steps: [300, 600, 1000, 2000],
  learningRate: { from: 3e-4, to: 1e-2 },
} as const;

/** A point of the search space. */
export type Candidate = Point<typeof SPACE>;

/** A candidate and its result. */
export interface Trial {
  /** The first is 1. */
  readonly trial: number;
  readonly candidate: Candidate;
  /** The network's errors on the origins before the last horizon. */
  readonly mase: number;
  readonly wql: number;
}

/** What is wrong with a line of the file: trials come in order, each with the candidate that the seed gives. */
export function trialProblem(entry: unknown, index: number, seed: number): string | undefined {
  const wanted = pointsOf(SPACE, seed).drop(index).next().value!;
  return recordOf({ trial: exactly(index + 1), candidate: sameAs(wanted), mase: score, wql: score })(entry, "");
}

/**
 * Random search (Bergstra and Bengio, 2012) over the settings of the network. Each candidate is trained and judged on the values
 * before the last horizon, which stays unused.
 *
 * @param options `done` is the number of trials that are already done.
 * @throws {StoppedError} If the user stops it.
 */
export async function* tune(
  set: SeriesSet,
  { trials, ...options }: Terms & Omit<NetworkSettings, keyof Candidate> & {
    readonly folds: number;
    readonly trials: number;
  },
  done: number,
): AsyncGenerator<Trial, void, undefined> {
  const known = setBefore(set, options.horizon);
  let trial = 0;
  for (const candidate of pointsOf(SPACE, options.seed)) {
    if (++trial > trials) return;
    if (trial <= done) continue;
    const { mase, wql } = await scoreNetworks(known, { ...options, ...candidate });
    yield { trial, candidate, mase, wql };
  }
}
