/**
 * A forecast of the steps after a series: the values and their standard deviations, from the errors that the method makes
 * one step ahead within the series and the way in which it adds them up.
 */
export interface Path {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** What a method is asked for. */
export interface PathOptions {
  /** Steps in a season; 1 if there is none. */
  readonly season: number;
  /** Steps ahead. */
  readonly horizon: number;
}

/** A method that forecasts one series from that series alone. */
export type Method = (values: Float64Array, options: PathOptions) => Path;

/** The root mean square of errors, from the number of which `parameters` are taken off. */
export function spread(errors: ArrayLike<number>, parameters = 0): number {
  let squares = 0;
  for (let i = 0; i < errors.length; i++) squares += errors[i]! ** 2;
  return Math.sqrt(squares / Math.max(1, errors.length - parameters));
}

/** A path by step: h is 1 for the first. */
export function pathOf(horizon: number, of: (h: number) => readonly [mean: number, deviation: number]): Path {
  const [mean, deviation] = [new Float64Array(horizon), new Float64Array(horizon)];
  for (let h = 1; h <= horizon; h++) [mean[h - 1], deviation[h - 1]] = of(h);
  return { mean, deviation };
}
