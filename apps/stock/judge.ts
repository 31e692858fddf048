import {
  type Batch,
  type DieboldMariano,
  dieboldMariano,
  type DirectionalAccuracy,
  directionalAccuracy,
  type Part,
  type RegressionMetrics,
  regressionMetrics,
} from "@unfold/training";
import { listed } from "../shared/printable.ts";
import {
  count,
  finite,
  fraction,
  mapOf,
  notNegative,
  optional,
  recordOf,
  score,
  type Shape,
  shape,
  text,
} from "../shared/shapes.ts";
import type { Baselines } from "./baselines.ts";
import type { Forecaster } from "./forecaster.ts";
import type { Prices } from "./prices.ts";
import type { Target } from "./targets.ts";

/** The forecasts for a test part and the actual values in display units, one entry per day. */
export interface TestDays {
  /** The day that was forecast: the last day of the horizon. */
  readonly dates: readonly string[];
  /** The day on which the forecast was made. */
  readonly made: readonly string[];
  /** The close on that day. */
  readonly before: readonly number[];
  readonly actual: readonly number[];
  /** The model's forecasts first, then those of the baselines, the reference first. */
  readonly forecasts: Readonly<Record<string, readonly number[]>>;
  /** The model's prediction interval. */
  readonly interval?: { readonly low: readonly number[]; readonly high: readonly number[] };
}

/** The name of the model's own forecasts. */
export const MODEL = "model";

/** The scores of a forecast on the test part. */
export interface Score extends RegressionMetrics {
  /** 1 − MSE/MSE of the reference: positive is better. */
  readonly skill: number;
  /**
   * For a baseline: the Diebold-Mariano test of the model's squared errors against the baseline's. A negative statistic
   * means that the model's are smaller. Null if the differences do not vary.
   */
  readonly comparison?: DieboldMariano | null;
}

/** How often a forecast got the direction of the price right. */
export interface Direction extends DirectionalAccuracy {
  /** The accuracy of always forecasting a rise. */
  readonly alwaysUp: number;
}

/** The outcome of a test. */
export interface Judgement {
  /** Scores by name, in the order of {@linkcode TestDays}. */
  readonly scores: Readonly<Record<string, Score>>;
  /** Undefined if the target has no direction, or if the price never moved. */
  readonly direction?: Direction | undefined;
  /** The fraction of actual values inside the interval. */
  readonly held?: number;
}

/** A direction in a file. */
export const DIRECTION: Shape = recordOf({
  accuracy: fraction,
  low: fraction,
  high: fraction,
  alwaysUp: fraction,
  count,
});

/** The scores in a file. */
const SCORES: Shape = mapOf(recordOf({
  mse: notNegative,
  mae: notNegative,
  rmse: notNegative,
  r2: score,
  skill: finite,
  comparison: optional((value, name) =>
    value === null ? undefined : recordOf({ statistic: finite, pValue: fraction })(value, name)
  ),
}));

/** Scores and labels in a file: those of the model first, then of the baselines, whose first is the reference. */
export const JUDGED: Shape = (value, name) => {
  const problem = recordOf({ scores: SCORES, labels: mapOf(text) })(value, name);
  if (problem !== undefined) return problem;
  const { scores, labels } = value as { scores: Record<string, Score>; labels: Record<string, string> };
  const names = Object.keys(scores);
  if (names[0] !== MODEL || names.length < 2) return `scores must have ${MODEL}, then baselines, got ${listed(names)}`;
  const unlabelled = names.slice(1).filter((name) => !Object.hasOwn(labels, name));
  if (unlabelled.length > 0) return `labels must have a label of each baseline, got none for ${listed(unlabelled)}`;
  const reference = referenceOf(scores);
  return shape("above 0", (mse) => Number(mse) > 0)(scores[reference]!.mse, `scores.${reference}.mse`);
};

/** Forecasts each day of a test part with the model and the baselines. */
export function forecastDays(
  forecaster: Forecaster,
  { prices, part, batches, baselines }: {
    readonly prices: Prices;
    readonly part: Part;
    /** The scaled windows of the part. */
    readonly batches: Iterable<Batch>;
    readonly baselines: Baselines;
  },
): TestDays {
  const { target, ahead, featureSet, config: { horizon } } = forecaster;
  const first = part.from + featureSet.warmUp;
  const days = Array.from({ length: part.to - part.from }, (_, i) => first + i);
  const before = days.map((day) => prices.close[day]!);
  const index = ahead.length - 1;
  const values: number[] = [];
  for (const { x } of batches) {
    const forecasts = forecaster.forecast(x);
    for (let i = index; i < forecasts.length; i += ahead.length) values.push(forecasts[i]!);
  }
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined) {
    throw new RangeError(
      `Cannot test on ${prices.file}: the model must give finite forecasts, got ${bad}; try a lower --learning-rate`,
    );
  }
  const shown = (of: (day: number, i: number) => number) =>
    days.map((day, i) => target.shown(of(day, i), prices.close[day]!));
  const ends = forecaster.interval &&
    values.map((value, i) => forecaster.intervalAround(value, index, before[i]!)!);
  return {
    dates: days.map((day) => prices.dates[day + horizon]!),
    made: days.map((day) => prices.dates[day]!),
    before,
    actual: days.map(target.actual(prices, horizon)),
    forecasts: {
      [MODEL]: shown((_, i) => values[i]!),
      ...Object.fromEntries(Object.entries(baselines).map(([name, { of }]) => [name, shown(of)])),
    },
    ...(ends && { interval: { low: ends.map(({ low }) => low), high: ends.map(({ high }) => high) } }),
  };
}

/** Scores the forecasts of a test part. The reference must make at least one error. */
export function judge(test: TestDays, target: Target, horizon: number): Judgement {
  const { actual, forecasts, interval } = test;
  const metrics = Object.entries(forecasts).map(([name, values]) => [name, regressionMetrics(values, actual)] as const);
  const reference = metrics[1]![1];
  const errorsOf = (name: string) => actual.map((value, i) => forecasts[name]![i]! - value);
  const model = errorsOf(MODEL);
  const scores = metrics.map(([name, score]) => {
    const comparison = name === MODEL ? {} : { comparison: compare(model, errorsOf(name), horizon) };
    return [name, { ...score, skill: 1 - score.mse / reference.mse, ...comparison }] as const;
  });
  return {
    scores: Object.fromEntries(scores),
    ...(target.rise && { direction: directionOf(test, target.rise, horizon) }),
    ...(interval && {
      held: actual.filter((value, i) => interval.low[i]! <= value && value <= interval.high[i]!).length / actual.length,
    }),
  };
}

/** Null if the differences between the squared errors do not vary. */
function compare(errors: number[], others: number[], horizon: number): DieboldMariano | null {
  try {
    return dieboldMariano(errors, others, { horizon });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function directionOf(
  { actual, forecasts, before }: TestDays,
  rise: NonNullable<Target["rise"]>,
  horizon: number,
): Direction | undefined {
  const rises = (values: readonly number[]) => values.map((value, i) => rise(value, before[i]!));
  const changes = rises(actual);
  if (changes.every((change) => change === 0)) return undefined;
  const accuracy = directionalAccuracy(rises(forecasts[MODEL]!), changes, { horizon });
  return { ...accuracy, alwaysUp: changes.filter((change) => change > 0).length / accuracy.count };
}

/** The name of the baseline that skill is measured against. */
export function referenceOf(scores: Readonly<Record<string, unknown>>): string {
  return Object.keys(scores)[1]!;
}

/** Errors this small, relative to the actual values, are rounding. */
const ROUNDING = 1e-12;

/** Whether forecasts are right up to rounding. */
export function isPerfect(forecasts: ArrayLike<number>, actual: ArrayLike<number>): boolean {
  const squares = Array.from(actual, (value) => value ** 2).reduce((a, b) => a + b, 0) / actual.length;
  return regressionMetrics(forecasts, actual).mse <= ROUNDING * squares;
}
