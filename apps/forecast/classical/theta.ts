import { minimiseOn } from "./minimise.ts";
import { type Method, pathOf, spread } from "./path.ts";
import { decompose, hasSeason, reseason } from "./seasonality.ts";

/** The bounds of α. */
const [LEAST_ALPHA, MOST_ALPHA] = [0.1, 0.99];
/** The first errors, which the start dominates, do not count. */
const SKIPPED = 3;

/**
 * The Theta method, the winner of the M3 competition (Assimakopoulos and Nikolopoulos, 2000), as a state-space model with
 * θ = 2 (Fiorucci et al., 2016): half of exponential smoothing, half of the straight line a + b·t through the series. With
 * q = 1 − α and time t from 0,
 *
 *     ŷ_t = ℓ_t + ½·(a·qᵗ + b·(1 − qᵗ⁺¹)/α),   ℓ_{t+1} = α·y_t + q·ℓ_t
 *
 * α and ℓ_0 minimise the squared errors within the series. A season, if the series has one, is taken out first and given
 * back at the end; it is multiplicative if all values are above 0.
 */
export const theta: Method = (values, { season, horizon }) => {
  const n = values.length;
  const parts = hasSeason(values, season) ? decompose(values, season) : undefined;
  const series = parts?.adjusted ?? values;
  const line = lineThrough(series);
  const alpha = minimiseOn((alpha) => smooth(series, line, alpha).squares, LEAST_ALPHA, MOST_ALPHA);
  const { level: start, errors } = smooth(series, line, alpha);
  const deviation = spread(errors.subarray(Math.min(SKIPPED, n - 1)), 2);
  let level = start;
  const path = pathOf(horizon, (h) => {
    const mean = level + trendAt(line, alpha, n + h - 1);
    level = alpha * mean + (1 - alpha) * level;
    return [mean, deviation * Math.sqrt(1 + (h - 1) * alpha ** 2)];
  });
  if (parts === undefined) return path;
  const mean = reseason(path.mean, parts, n);
  if (parts.kind === "additive") return { ...path, mean };
  return { mean, deviation: path.deviation.map((one, h) => one * parts.indices[(n + h) % season]!) };
};

interface Line {
  /** The value at time 1. */
  readonly a: number;
  readonly b: number;
}

/** Least squares of a series on the times 1, 2, …: a + b·t. */
function lineThrough(values: Float64Array): Line {
  const n = values.length;
  let [mean, product] = [0, 0];
  values.forEach((value, t) => {
    mean += value / n;
    product += value * (t + 1) / n;
  });
  const b = n < 2 ? 0 : 6 * (2 * product - (1 + n) * mean) / (n ** 2 - 1);
  return { a: mean - (n + 1) * b / 2, b };
}

/** What the line adds to the level at a time, ½·(a·qᵗ + b·(1 − qᵗ⁺¹)/α). */
function trendAt({ a, b }: Line, alpha: number, t: number): number {
  const power = (1 - alpha) ** t;
  return (a * power + b * (1 - power * (1 - alpha)) / alpha) / 2;
}

/**
 * Smooths a series with the best first level: the errors are linear in it, e_t = u_t − qᵗ·ℓ_0, so least squares give
 * it in closed form.
 */
function smooth(
  values: Float64Array,
  line: Line,
  alpha: number,
): { squares: number; level: number; errors: Float64Array } {
  const n = values.length;
  const q = 1 - alpha;
  const errors = new Float64Array(n);
  const skipped = Math.min(SKIPPED, n - 1);
  let [level, power, top, bottom] = [0, 1, 0, 0];
  // The powers qᵗ of `trendAt`, one product each.
  for (let t = 0; t < n; t++) {
    const trend = (line.a * power + line.b * (1 - power * q) / alpha) / 2;
    errors[t] = values[t]! - level - trend;
    if (t >= skipped) {
      top += power * errors[t]!;
      bottom += power ** 2;
    }
    level = alpha * values[t]! + q * level;
    power *= q;
  }
  const start = bottom > 0 ? top / bottom : 0;
  let squares = 0;
  let weight = 1;
  for (let t = 0; t < n; t++) {
    errors[t]! -= weight * start;
    if (t >= skipped) squares += errors[t]! ** 2;
    weight *= q;
  }
  return { squares, level: level + power * start, errors };
}
