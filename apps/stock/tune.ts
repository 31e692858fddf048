import type { OptimizerPlugin } from "@unfold/optimizers";
import { type Point, pointsOf } from "../shared/search.ts";
import { backtest, skillsOf } from "./backtest.ts";
import { COMPARED_MODELS } from "./forecaster.ts";
import type { Prices } from "./prices.ts";
import { cutOf, type FoldOptions, splitFolds, splitWindows } from "./split.ts";
import type { TrainSettings } from "./train.ts";

const WINDOWS = [5, 10, 20, 30, 60];
const SPACE = {
  model: COMPARED_MODELS,
  hidden: [8, 16, 32, 64, 128],
  window: WINDOWS,
  learningRate: { from: 1e-4, to: 1e-2 },
} as const;

/** A point of the search space. */
type Candidate = Point<typeof SPACE>;

/** A candidate and its result. */
export interface Trial {
  /** The first is 1. */
  readonly trial: number;
  readonly candidate: Candidate;
  /** Its skill in each fold. */
  readonly skills: readonly number[];
}

/** An endless sequence of candidates, the same for the same seed. */
export function candidates(seed: number): Generator<Candidate, never, undefined> {
  return pointsOf(SPACE, seed);
}

/** The prices before the test part of every candidate. The search must not see any others. */
export function beforeTest(
  prices: Prices,
  settings: Omit<TrainSettings, keyof Candidate> & { readonly validation: number; readonly test: number },
): Prices {
  // The shortest window gives the most windows, and so the earliest test part.
  const cut = cutOf({ ...settings, window: WINDOWS[0]! });
  const end = cut.warmUp + splitWindows(prices, cut, settings).test.from + 1;
  const more = Object.fromEntries(Object.entries(prices.more).map(([name, values]) => [name, values.slice(0, end)]));
  const file = `${prices.file} before its test part`;
  return { ...prices, file, dates: prices.dates.slice(0, end), close: prices.close.slice(0, end), more };
}

/**
 * Random search (Bergstra and Bengio, 2012): back-tests candidates on the days before the test part. Ends early if stopped.
 *
 * @param run The optimizer, the stop signal, and the number of trials that are already done.
 */
export async function* tune(
  prices: Prices,
  settings:
    & Omit<TrainSettings, keyof Candidate>
    & FoldOptions
    & { readonly test: number; readonly trials: number },
  { done, ...run }: { done: number; makeOptimizer: () => Promise<OptimizerPlugin>; signal: AbortSignal },
): AsyncGenerator<Trial, void, undefined> {
  const known = beforeTest(prices, settings);
  // The longest window leaves the fewest days: fail early if it does not fit.
  splitFolds(known, cutOf({ ...settings, window: WINDOWS.at(-1)! }), settings);
  let trial = 0;
  for (const candidate of candidates(settings.seed)) {
    if (++trial > settings.trials) return;
    if (trial <= done) continue;
    const skills: number[] = [];
    for await (const fold of backtest(known, { ...settings, ...candidate }, run)) skills.push(...skillsOf([fold]));
    if (skills.length < settings.folds) return;
    yield { trial, candidate, skills };
  }
}
