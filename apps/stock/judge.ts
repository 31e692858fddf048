import {
  type DieboldMariano,
  dieboldMariano,
  type DirectionalAccuracy,
  directionalAccuracy,
  type RegressionMetrics,
  regressionMetrics,
} from "@unfold/training";
import type { Target } from "./targets.ts";

/** Forecasts of the days of a test part, and what happened, as people read them: one entry a day. */
export interface TestDays {
  /** The day that was forecast, the last one of the horizon. */
  readonly dates: readonly string[];
  /** The day that the forecast was made on. */
  readonly made: readonly string[];
  /** Its close. */
  readonly before: readonly number[];
  readonly actual: readonly number[];
  /** Of the model first, then of the baselines; the first of those is the reference. */
  readonly forecasts: Readonly<Record<string, readonly number[]>>;
  /** The model's interval. */
  readonly interval?: { readonly low: readonly number[]; readonly high: readonly number[] };
}

/** The name of the model's own forecasts. */
export const MODEL = "model";

/** How a forecast did on the test part. */
export interface Score extends RegressionMetrics {
  /** 1 − MSE/MSE of the reference: above 0 is better. */
  readonly skill: number;
  /**
   * Of a baseline: whether the model's squared errors differ from its own by more than luck; below 0 the model's are
   * smaller.
   */
  readonly comparison?: DieboldMariano;
}

/** How often a forecast said rightly whether the price would rise or fall. */
export interface Direction extends DirectionalAccuracy {
  /** How often "it rises" is right. */
  readonly alwaysUp: number;
}

/** What a test showed. */
export interface Judgement {
  /** By name, as in {@linkcode TestDays}. */
  readonly scores: Readonly<Record<string, Score>>;
  /** Where the target says so. */
  readonly direction?: Direction | undefined;
  /** How often the interval held what happened. */
  readonly held?: number;
}

/** The baseline that skill is measured by. */
export function referenceOf(scores: Readonly<Record<string, unknown>>): string {
  return Object.keys(scores)[1]!;
}

/** Errors so small beside what is forecast are rounding. */
const ROUNDING = 1e-12;

/** Whether forecasts make no error but by rounding. */
export function isPerfect(forecasts: ArrayLike<number>, actual: ArrayLike<number>): boolean {
  const squares = Array.from(actual, (value) => value ** 2).reduce((a, b) => a + b, 0) / actual.length;
  return regressionMetrics(forecasts, actual).mse <= ROUNDING * squares;
}

/** Judges forecasts over a horizon; the reference must make errors. */
export function judge(test: TestDays, target: Target, horizon: number): Judgement {
  const { actual, forecasts, interval } = test;
  const metrics = Object.entries(forecasts).map(([name, values]) => [name, regressionMetrics(values, actual)] as const);
  const reference = metrics[1]![1];
  const errorsOf = (name: string) => actual.map((value, i) => forecasts[name]![i]! - value);
  const model = errorsOf(MODEL);
  const scores = metrics.map(([name, score]) => {
    const comparison = name === MODEL ? undefined : compare(model, errorsOf(name), horizon);
    return [name, { ...score, skill: 1 - score.mse / reference.mse, ...(comparison && { comparison }) }] as const;
  });
  return {
    scores: Object.fromEntries(scores),
    ...(target.rise && { direction: directionOf(test, target.rise, horizon) }),
    ...(interval && {
      held: actual.filter((value, i) => interval.low[i]! <= value && value <= interval.high[i]!).length / actual.length,
    }),
  };
}

/** Undefined where the errors differ so evenly that there is no telling. */
function compare(errors: number[], others: number[], horizon: number): DieboldMariano | undefined {
  try {
    return dieboldMariano(errors, others, { horizon });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function directionOf(
  { actual, forecasts, before }: TestDays,
  rise: NonNullable<Target["rise"]>,
  horizon: number,
): Direction | undefined {
  const rises = (values: readonly number[]) => values.map((value, i) => rise(value, before[i]!));
  const happened = rises(actual);
  if (happened.every((change) => change === 0)) return undefined;
  const accuracy = directionalAccuracy(rises(forecasts[MODEL]!), happened, { horizon });
  return { ...accuracy, alwaysUp: happened.filter((change) => change > 0).length / accuracy.count };
}
