import { dieboldMariano, signTest } from "@unfold/training";

/** Whether the errors of two methods differ by more than chance explains. */
export interface Significance {
  readonly test: "sign test" | "Diebold-Mariano test";
  /** The probability of a difference at least as large if both are equally good. */
  readonly pValue: number;
}

/** The absolute error of a forecast at a step, in the scale of its series. */
export interface StepError {
  readonly series: number;
  /** The step's place in time, counted from the first one of all folds. */
  readonly time: number;
  readonly error: number;
}

/** The errors of a method. */
export interface MeanErrors {
  /** The mean error of each series, over time. */
  readonly bySeries: ReadonlyMap<number, number>;
  /** The mean error at each time, over series, in order of time. */
  readonly byTime: readonly number[];
}

/** Below this number of series, a sign test cannot be significant at 5 %. */
const LEAST_SERIES = 6;

/** The mean errors of a method over time and over series. */
export function meanErrors(errors: Iterable<StepError>): MeanErrors {
  const [series, times] = [new Map<number, number[]>(), new Map<number, number[]>()];
  for (const { series: one, time, error } of errors) {
    for (const [sums, key] of [[series, one], [times, time]] as const) {
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, [error, 1]);
      else [sum[0], sum[1]] = [sum[0]! + error, sum[1]! + 1];
    }
  }
  const mean = ([key, [total, count]]: [number, number[]]) => [key, total! / count!] as const;
  return {
    bySeries: new Map([...series].map(mean)),
    byTime: [...times].sort(([a], [b]) => a - b).map((one) => mean(one)[1]),
  };
}

/**
 * Tests whether the errors of two methods differ. Over several series it is a sign test of their mean errors, because the
 * errors within a series depend on each other. For a few series it is the Diebold-Mariano test of the errors over time, which
 * depend on each other over a horizon.
 *
 * @returns undefined if there are too few errors to tell.
 */
export function significance(own: MeanErrors, other: MeanErrors, horizon: number): Significance | undefined {
  if (own.bySeries.size >= LEAST_SERIES) {
    const differences = [...own.bySeries].map(([series, error]) => error - other.bySeries.get(series)!);
    const [better, worse] = [differences.filter((one) => one < 0).length, differences.filter((one) => one > 0).length];
    return { test: "sign test", pValue: signTest(better, better + worse) };
  }
  const differences = own.byTime.map((error, t) => error - other.byTime[t]!);
  if (own.byTime.length <= horizon || differences.every((one) => one === differences[0])) return undefined;
  // The test compares squares of what it gets.
  const [one, two] = [own.byTime.map(Math.sqrt), other.byTime.map(Math.sqrt)];
  return { test: "Diebold-Mariano test", pValue: dieboldMariano(one, two, { horizon }).pValue };
}
