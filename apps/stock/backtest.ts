import type { OptimizerPlugin } from "@unfold/optimizers";
import { type Judgement, MODEL } from "./judge.ts";
import type { Prices } from "./prices.ts";
import { cutOf, type FoldOptions, splitFolds } from "./split.ts";
import { prepare, trainForecaster, type TrainSettings } from "./train.ts";

/** The result of one fold. */
export interface FoldResult extends Judgement {
  /** The first and the last day that was forecast. */
  readonly from: string;
  readonly to: string;
  readonly days: number;
  /** Windows in the training part. */
  readonly learned: number;
  readonly bestEpoch: number;
  /** The baselines' names in tables. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A mean and a sample standard deviation. */
export interface Spread {
  readonly mean: number;
  /** Undefined for a single value. */
  readonly deviation?: number;
}

/** The mean and the standard deviation of some values. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, ...(values.length > 1 && { deviation: Math.sqrt(squares / (values.length - 1)) }) };
}

/** The model's skill in each fold. */
export function skillsOf(folds: readonly Judgement[]): number[] {
  return folds.map(({ scores }) => scores[MODEL]!.skill);
}

/**
 * Back-tests a model: for each fold, trains a new model on everything before it and tests it there. Ends early if stopped.
 *
 * @param run The optimizer, the stop signal, and the number of folds that are already done.
 */
export async function* backtest(
  prices: Prices,
  settings: TrainSettings & FoldOptions,
  { makeOptimizer, signal, done = 0 }: {
    readonly makeOptimizer: () => Promise<OptimizerPlugin>;
    readonly signal: AbortSignal;
    readonly done?: number;
  },
): AsyncGenerator<FoldResult, void, undefined> {
  const prepared = splitFolds(prices, cutOf(settings), settings).map((split) => prepare(prices, settings, split));
  for (const one of prepared.slice(done)) {
    const result = await trainForecaster(prices, one, settings, { optimizer: await makeOptimizer(), signal });
    if (result === undefined) return;
    const { test, scores, direction, held, bestEpoch, labels } = result;
    yield {
      from: test.dates[0]!,
      to: test.dates.at(-1)!,
      days: test.dates.length,
      learned: one.split.train.to - one.split.train.from,
      bestEpoch,
      labels,
      scores,
      ...(direction && { direction }),
      ...(held !== undefined && { held }),
    };
  }
}

/** The results file of a back-test: one fold per line. */
export const BACKTEST_FILE = "backtest.jsonl";

/** What an invalid line of that file must be; undefined if the line is valid. */
export function foldProblem({ scores, labels, from, to }: FoldResult): string | undefined {
  const isScore = (score: unknown) => ["mse", "skill"].every((name) => Number.isFinite(Object(score)[name]));
  const names = Object.keys(Object(scores));
  const isSound = typeof from === "string" && typeof to === "string" && names[0] === MODEL && names.length > 1 &&
    names.every((name) => isScore(scores[name])) &&
    names.slice(1).every((name) => typeof Object(labels)[name] === "string");
  return isSound ? undefined : "a fold of a back-test";
}
