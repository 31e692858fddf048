import { minimise } from "./minimise.ts";
import { seasonalNaive } from "./naive.ts";
import { type Path, pathOf, type PathOptions, spread } from "./path.ts";
import { decompose, hasSeason, type SeasonKind } from "./seasonality.ts";

/** The parts of a model of exponential smoothing. */
export interface EtsForm {
  /** Whether errors add to the forecast or are in proportion to it. */
  readonly error: SeasonKind;
  readonly trend: "none" | "additive" | "damped";
  readonly season: "none" | SeasonKind;
}

/** A model fitted to a series. */
export interface EtsFit {
  readonly form: EtsForm;
  /** α, β, γ and φ: how far the level, the slope and the season follow a value, and how the slope fades. */
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly phi: number;
  /** Akaike's criterion for short series; smaller is better. */
  readonly aicc: number;
}

/** The state after a series, and the errors on the way. */
interface Run {
  level: number;
  slope: number;
  readonly indices: Float64Array;
  /** −2·log-likelihood up to a constant. */
  likelihood: number;
}

/** The bounds of φ. */
const [LEAST_PHI, MOST_PHI] = [0.8, 0.98];
/** Nearest that α, β/α and γ/(1 − α) come to 0 and 1. */
const EDGE = 1e-4;
/** A shorter series gets no model. */
const LEAST_VALUES = 5;

/** The short name of a form, such as "MAdM". */
export function etsName({ error, trend, season }: EtsForm): string {
  const letter = { none: "N", additive: "A", damped: "Ad", multiplicative: "M" };
  return `${letter[error]}${letter[trend]}${letter[season]}`;
}

/** The forms that suit a series: those with a season if it has one, and multiplicative ones only of values above 0. */
function formsFor(values: Float64Array, season: number): EtsForm[] {
  const isPositive = values.every((value) => value > 0);
  const isSeasonal = hasSeason(values, season);
  // Ratios near 0 have no multiplicative season.
  const isRatio = isPositive && isSeasonal && decompose(values, season).kind === "multiplicative";
  const seasons = isSeasonal ? ["additive", "multiplicative"] as const : ["none"] as const;
  const errors = isPositive ? ["additive", "multiplicative"] as const : ["additive"] as const;
  return errors.flatMap((error) =>
    (["none", "additive", "damped"] as const).flatMap((trend) =>
      seasons
        // The variance of additive errors with a multiplicative season is infinite in the long run.
        .filter((season) => season !== "multiplicative" || (isRatio && error === "multiplicative"))
        .map((season) => ({ error, trend, season }))
    )
  );
}

/**
 * Exponential smoothing with the form that fits best by AICc, as R's `ets` and statsforecast's `AutoETS` (Hyndman and
 * Khandakar, 2008). With the level ℓ, the slope b and the season s,
 *
 *     ŷ = (ℓ + φ·b) + s   or   (ℓ + φ·b)·s
 *     ℓ ← q + α·(y − s − q)  or  q + α·(y/s − q),   q = ℓ + φ·b
 *     b ← φ·b + (β/α)·(ℓ_new − q)
 *     s ← s + γ·(y − q − s)  or  s + γ·(y/q − s)
 *
 * α, β, γ, φ, the first level and the first slope maximise the likelihood of normal errors; the first season is that of a
 * classical decomposition. A series of fewer than five values gets the naive forecast.
 */
export function ets(values: Float64Array, { season, horizon }: PathOptions): Path & { readonly fit?: EtsFit } {
  if (values.length < LEAST_VALUES) return seasonalNaive(values, { season: 1, horizon });
  let best: Candidate | undefined;
  for (const form of formsFor(values, season)) {
    const candidate = fitForm(values, season, form);
    if (best === undefined || candidate.fit.aicc < best.fit.aicc) best = candidate;
  }
  const { fit, run, deviation } = best!;
  const { alpha, beta, gamma, phi, form } = fit;
  const n = values.length;
  let [fade, power, squares] = [0, 1, 0];
  const path = pathOf(horizon, (h) => {
    // After h steps the slope has added φ + φ² + … + φʰ of itself.
    power *= phi;
    fade += power;
    const grown = run.level + (form.trend === "none" ? 0 : fade * run.slope);
    const index = run.indices[(n + h - 1) % run.indices.length]!;
    const mean = form.season === "multiplicative" ? grown * index : grown + index;
    const scale = form.error === "multiplicative" ? Math.abs(mean) : 1;
    const result = [mean, deviation * scale * Math.sqrt(1 + squares)] as const;
    // What an error does to the forecast h steps later, squared and summed.
    squares += (alpha + beta * fade + (h % season === 0 ? gamma : 0)) ** 2;
    return result;
  });
  return { ...path, fit };
}

interface Candidate {
  readonly fit: EtsFit;
  readonly run: Run;
  /** The standard deviation of the errors; relative ones are a fraction. */
  readonly deviation: number;
}

const logistic = (x: number) => EDGE + (1 - 2 * EDGE) / (1 + Math.exp(-x));
const logit = (p: number) => Math.log(p / (1 - p));

/** Fits a form. */
function fitForm(values: Float64Array, season: number, form: EtsForm): Candidate {
  const n = values.length;
  const seasonal = form.season !== "none";
  const parts = form.season === "none" ? undefined : decompose(values, season, form.season);
  const first = parts?.indices ?? Float64Array.of(0);
  const adjusted = parts?.adjusted ?? values;
  const head = adjusted.subarray(0, Math.min(n, Math.max(10, 2 * season)));
  const line = lineOf(head);
  const hasTrend = form.trend !== "none";
  const level = hasTrend ? line.start : head.reduce((a, b) => a + b) / head.length;
  const steps = spread(adjusted.subarray(1).map((value, t) => value - adjusted[t]!)) || Math.abs(level) || 1;
  // The free parameters in order, with first guesses and first steps.
  const free = [
    { start: logit(0.2), step: 1.5 },
    ...hasTrend ? [{ start: logit(0.2), step: 1 }] : [],
    ...seasonal ? [{ start: logit(0.1), step: 1 }] : [],
    ...form.trend === "damped" ? [{ start: logit(0.9), step: -1 }] : [],
    { start: level, step: steps },
    ...hasTrend ? [{ start: line.slope, step: Math.max(Math.abs(line.slope), 0.1 * steps) / 2 }] : [],
  ];
  const indices = new Float64Array(first.length);
  const errors = new Float64Array(n);
  const read = (x: Float64Array) => {
    let at = 0;
    const alpha = logistic(x[at++]!);
    const beta = hasTrend ? alpha * logistic(x[at++]!) : 0;
    const gamma = seasonal ? (1 - alpha) * logistic(x[at++]!) : 0;
    const phi = form.trend === "damped" ? LEAST_PHI + (MOST_PHI - LEAST_PHI) * logistic(x[at++]!) : 1;
    return { alpha, beta, gamma, phi, level: x[at++]!, slope: hasTrend ? x[at]! : 0 };
  };
  const runAt = (x: Float64Array): Run => {
    indices.set(first);
    return filter(values, { form, ...read(x), indices, errors });
  };
  const options = { steps: Float64Array.from(free, ({ step }) => step), evaluations: 80 * free.length };
  const start = Float64Array.from(free, ({ start }) => start);
  const found = minimise((x) => runAt(x).likelihood, start, options);
  const run = runAt(found.at);
  const { alpha, beta, gamma, phi } = read(found.at);
  // The errors' variance is a parameter too, and so are the season's first states but one, which the others determine.
  const count = free.length + 1 + (seasonal ? season - 1 : 0);
  const aicc = n - count - 1 > 0 ? run.likelihood + 2 * count * n / (n - count - 1) : Infinity;
  return {
    fit: { form, alpha, beta, gamma, phi, aicc },
    run: { ...run, indices: indices.slice() },
    deviation: spread(errors, Math.min(free.length, n - 1)),
  };
}

/** Runs a model over a series; `indices` become those after it, and `errors` are filled. */
function filter(
  values: Float64Array,
  model: {
    readonly form: EtsForm;
    readonly alpha: number;
    readonly beta: number;
    readonly gamma: number;
    readonly phi: number;
    readonly level: number;
    readonly slope: number;
    readonly indices: Float64Array;
    readonly errors: Float64Array;
  },
): Run {
  const { form, alpha, beta, gamma, phi, indices, errors } = model;
  const [isRatio, isRelative] = [form.season === "multiplicative", form.error === "multiplicative"];
  const n = values.length;
  const m = indices.length;
  const gain = beta / alpha;
  let { level, slope } = model;
  let [squares, logs] = [0, 0];
  for (let t = 0, phase = 0; t < n; t++, phase = phase + 1 === m ? 0 : phase + 1) {
    const value = values[t]!;
    const season = indices[phase]!;
    const q = level + phi * slope;
    const expected = isRatio ? q * season : q + season;
    if (isRelative) {
      // A relative error needs a forecast above 0.
      if (!(expected > 0)) return { level, slope, indices, likelihood: Infinity };
      logs += Math.log(expected);
      errors[t] = value / expected - 1;
    } else errors[t] = value - expected;
    squares += errors[t]! ** 2;
    level = q + alpha * ((isRatio ? value / season : value - season) - q);
    slope = phi * slope + gain * (level - q);
    if (gamma > 0) indices[phase] = season + gamma * ((isRatio ? value / q : value - q) - season);
  }
  // A perfect fit has no finite likelihood.
  return { level, slope, indices, likelihood: n * Math.log(Math.max(squares, 1e-300)) + 2 * logs };
}

/** Least squares of values on their places: the value one step before the first, and the slope. */
function lineOf(values: Float64Array): { start: number; slope: number } {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b) / n;
  const middle = (n - 1) / 2;
  let [top, bottom] = [0, 0];
  values.forEach((value, t) => {
    top += (t - middle) * (value - mean);
    bottom += (t - middle) ** 2;
  });
  const slope = bottom > 0 ? top / bottom : 0;
  return { start: mean - (middle + 1) * slope, slope };
}
