import type { EpochLosses } from "@unfold/training";
import { listed } from "../shared/printable.ts";
import {
  count,
  epochs,
  finite,
  fraction,
  listOf,
  mapOf,
  oneOf,
  optional,
  recordOf,
  score,
  type Shape,
  size,
  text,
} from "../shared/shapes.ts";
import { FREQUENCY_UNITS } from "../shared/tables/frequency.ts";
import type { Terms } from "./compare.ts";
import { LABELS } from "./methods.ts";
import type { Comparison } from "./rolling.ts";
import { extentOf, type SeriesSet } from "./series_set.ts";

/** Series whose past a report shows, and steps of it in horizons and at least. */
const [SHOWN, HORIZONS, LEAST] = [6, 6, 36];

const NAMES = Object.keys(LABELS);
const RESULT = recordOf({
  ...{ mase: score, smape: score, rmse: score, msis: score, wql: score, owa: optional(score), coverage: score },
  ...{ wins: count, compared: count, coverageByStep: listOf(fraction) },
  significance: optional(recordOf({ test: oneOf(["sign test", "Diebold-Mariano test"]), pValue: fraction })),
});

/** The results of a comparison in a file: of the best candidate, of the seasonal naive forecast, and of others. */
export const COMPARED: Shape = (value, name) => {
  const problem = recordOf({ best: oneOf(NAMES), results: mapOf(RESULT) })(value, name);
  if (problem !== undefined) return problem;
  const { best, results } = value as Pick<Comparison, "best" | "results">;
  const found = Object.keys(results);
  const isSound = ["seasonalNaive", best].every((name) => found.includes(name)) &&
    found.every((name) => NAMES.includes(name));
  return isSound
    ? undefined
    : `results must be those of ${best}, seasonalNaive and other candidates, got ${listed(found)}`;
};

const PARTS = recordOf({
  data: recordOf({
    source: text,
    frequency: recordOf({ unit: oneOf(FREQUENCY_UNITS), every: size }),
    ...{ series: size, shortest: size, longest: size, from: text, to: text },
    notes: listOf(recordOf({ level: oneOf(["note", "warning"]), text })),
  }),
  season: size,
  horizon: size,
  settings: recordOf({}),
  origins: size,
  folds: size,
  histories: listOf((value, name) =>
    epochs(value, name) ?? ((value as []).length > 0 ? undefined : `${name} is empty`)
  ),
  shown: listOf(recordOf({ id: text, labels: listOf(text), values: listOf(finite) })),
});

/** A summary in a file. */
export const SUMMARY: Shape = (value, name) => {
  const problem = PARTS(value, name) ?? COMPARED(value, name);
  if (problem !== undefined) return problem;
  const { horizon, results, shown } = value as Summary;
  for (const [name, result] of Object.entries(results)) {
    const { length } = result!.coverageByStep;
    if (length !== horizon) return `results.${name}.coverageByStep must have the ${horizon} steps ahead, got ${length}`;
  }
  const at = shown.findIndex(({ labels, values }) => labels.length !== values.length);
  return at < 0 ? undefined : `shown[${at}].labels must be those of its values, got ${shown[at]!.labels.length}`;
};

/** The result of `train`: `metrics.json`, and stdout with `--json`. */
export type Summary = ReturnType<typeof summaryOf>;

/** Summarises a run. */
export function summaryOf(
  set: SeriesSet,
  { season, horizon, settings, comparison, histories }: Terms & {
    readonly settings: object;
    readonly comparison: Comparison;
    readonly histories: readonly (readonly EpochLosses[])[];
  },
) {
  const { file, arrangement, series, notes } = set;
  const steps = Math.max(LEAST, HORIZONS * horizon);
  return {
    data: { source: file, arrangement, ...extentOf(set), notes },
    season,
    horizon,
    settings,
    ...comparison,
    histories,
    /** The last values of the first series, for the report. */
    shown: series.slice(0, SHOWN).map((one) => ({
      id: one.id,
      labels: one.labels().slice(-steps),
      values: [...one.values.subarray(-steps)],
    })),
  };
}
