import { exactly, recordOf, size, text } from "../shared/shapes.ts";
import { compareOn, type Terms } from "./compare.ts";
import type { CandidateName } from "./methods.ts";
import type { NetworkSettings } from "./networks.ts";
import type { Comparison } from "./rolling.ts";
import { COMPARED } from "./summary.ts";
import type { OneSeries, SeriesSet } from "./series_set.ts";

/** The results file of a back-test: one fold per line. */
export const BACKTEST_FILE = "backtest.jsonl";

/** What one fold of a back-test found. */
export interface FoldResult {
  /** The first is 1. */
  readonly fold: number;
  /** The first and the last step that the first series was tested on. */
  readonly from: string;
  readonly to: string;
  readonly results: Comparison["results"];
  readonly best: CandidateName;
  /** The series that were long enough to be tested. */
  readonly tested: number;
}

/** What is wrong with a line of the file; undefined if nothing is. Folds come in order, each once. */
export function foldProblem(entry: unknown, before: readonly FoldResult[]): string | undefined {
  const fold = recordOf({ fold: exactly(before.length + 1), from: text, to: text, tested: size });
  return fold(entry, "") ?? COMPARED(entry, "");
}

/** A series as it was some steps ago. */
export function cut(series: OneSeries, steps: number): OneSeries {
  const { length } = series.values;
  const labels = () => series.labels().slice(0, Math.max(0, length - steps));
  return {
    id: series.id,
    values: series.values.subarray(0, Math.max(0, length - steps)),
    from: series.from,
    get to() {
      return labels().at(-1) ?? "";
    },
    labels,
    next: (count) => [...series.labels().slice(Math.max(0, length - steps)), ...series.next(count)].slice(0, count),
  };
}

/** A set of series as it was some steps ago, without those that had not begun. */
export function setBefore(set: SeriesSet, steps: number): SeriesSet {
  if (steps === 0) return set;
  const series = set.series.map((one) => cut(one, steps)).filter(({ values }) => values.length > 0);
  return { ...set, series };
}

/**
 * Back-tests all candidates by rolling origins: for each fold, a horizon apart, a new network learns from everything before
 * it, and all candidates forecast it.
 *
 * @param options `done` is the number of folds that are already done.
 * @throws {StoppedError} If the user stops it.
 */
export async function* backtest(
  set: SeriesSet,
  options: Terms & NetworkSettings & { readonly folds: number; readonly network: boolean },
  done: number,
): AsyncGenerator<FoldResult, void, undefined> {
  const { folds, horizon } = options;
  for (let fold = done; fold < folds; fold++) {
    const known = setBefore(set, (folds - 1 - fold) * horizon);
    const { results, best, origins } = await compareOn(known, { ...options, folds: 1 });
    const [first] = known.series;
    const labels = first!.labels();
    yield {
      fold: fold + 1,
      from: labels.at(-horizon) ?? labels[0]!,
      to: labels.at(-1)!,
      results,
      best,
      tested: origins,
    };
  }
}
