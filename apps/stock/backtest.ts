import type { OptimizerPlugin } from "@unfold/optimizers";
import { listed, quoted } from "../shared/printable.ts";
import { count, fraction, optional, recordOf, size } from "../shared/shapes.ts";
import { DIRECTION, JUDGED, type Judgement, MODEL } from "./judge.ts";
import type { Prices } from "./prices.ts";
import { DATE, placeOf } from "./rhythm.ts";
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

/** What the fold of each line must be. */
const FOLD = recordOf({
  from: DATE,
  to: DATE,
  days: size,
  learned: size,
  bestEpoch: count,
  direction: optional(DIRECTION),
  held: optional(fraction),
});

/** What is wrong with a line of that file; undefined if nothing is. Each fold comes after the one before. */
export function foldProblem(entry: unknown, before: readonly FoldResult[]): string | undefined {
  const problem = FOLD(entry, "") ?? JUDGED(entry, "");
  if (problem !== undefined) return problem;
  const { from, to, scores } = entry as FoldResult;
  const last = before.at(-1);
  if (placeOf(to) < placeOf(from)) return `to must not be before ${quoted(from)}, got ${quoted(to)}`;
  if (last === undefined) return undefined;
  if (placeOf(from) <= placeOf(last.to)) {
    return `from must be after the fold before, which ends on ${quoted(last.to)}, got ${quoted(from)}`;
  }
  const [names, others] = [scores, last.scores].map((one) => Object.keys(one).sort()) as [string[], string[]];
  return `${names}` === `${others}` ? undefined : `scores must be those of ${listed(others)}, got ${listed(names)}`;
}
