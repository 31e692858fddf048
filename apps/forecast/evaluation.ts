import type { GlobalModel } from "./global_model.ts";
import { averageOf, meanOf } from "./quantiles.ts";

/** Steps in the training, validation and test part of all series. */
export interface Splits {
  readonly training: number;
  readonly validation: number;
  readonly test: number;
}

/** The errors of forecasts, over all windows, series and steps ahead. */
export interface Errors {
  readonly mse: number;
  readonly mae: number;
  /** The number of origins that series are forecast from. */
  readonly origins: number;
}

/** A part of series: the first step, and the one after the last. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** The origins in a part of which a whole horizon is left: the ends of what a model sees. */
export function originsIn({ from, to }: Part, horizon: number, stride = 1): number[] {
  return Array.from({ length: Math.floor((to - horizon - from) / stride) + 1 }, (_, i) => from + i * stride);
}

/** Origins that are forecast at once. */
const CHUNK = 256;

/** A series with mean 0 and standard deviation 1 in its training part. */
export function standardised(values: Float64Array, training: number): Float64Array {
  const part = values.subarray(0, training);
  const mean = part.reduce((a, b) => a + b) / training;
  const deviation = Math.sqrt(part.reduce((total, value) => total + (value - mean) ** 2, 0) / training);
  return values.map((value) => (value - mean) / (deviation || 1));
}

/**
 * The errors of the mean forecast of models from every origin in a part, of which a whole horizon is left: as long-horizon
 * benchmarks count them since Informer (Zhou et al., 2021). The past that a model sees may reach into the part before.
 *
 * @param models The models. They forecast means.
 * @param series The series, scaled as errors are to count.
 * @param part The part, and the steps from an origin to the next.
 */
export function errorsIn(
  models: readonly GlobalModel[],
  series: readonly { readonly id: string; readonly values: Float64Array }[],
  { stride = 1, ...part }: Part & { readonly stride?: number },
): Errors {
  const { horizon } = models[0]!.config;
  const ends = originsIn(part, horizon, stride);
  let [squares, absolutes, count] = [0, 0, 0];
  for (const { id, values } of series) {
    for (let first = 0; first < ends.length; first += CHUNK) {
      const some = ends.slice(first, first + CHUNK);
      const all = models.map((model) => model.forecast(some.map((end) => ({ id, values, end }))));
      some.forEach((end, i) => {
        const means = meanOf(averageOf(all.map((forecasts) => forecasts[i]!)));
        means.forEach((mean, h) => {
          const error = values[end + h]! - mean;
          squares += error ** 2;
          absolutes += Math.abs(error);
          count++;
        });
      });
    }
  }
  return { mse: squares / count, mae: absolutes / count, origins: ends.length };
}
