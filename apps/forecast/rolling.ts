import { naive2 } from "./classical/naive.ts";
import { type CandidateName, CLASSICAL, type ClassicalName, LABELS, MEANS } from "./methods.ts";
import {
  averageOf,
  conformalFactors,
  type Factors,
  HIGH,
  LOW,
  MEDIAN,
  normalQuantiles,
  type Quantiles,
  stretched,
  within,
} from "./quantiles.ts";
import { type Score, scoreOf, seasonalScale, summarise, type Summary, withOwa } from "./scores.ts";
import { meanErrors, type Significance, significance } from "./significance.ts";

/** A place in a series from which its next values are forecast as if they were unknown. */
export interface Origin {
  /** The series' place in the set. */
  readonly series: number;
  /** The fold; all series of one fold end equally long before their last value. */
  readonly fold: number;
  /** The number of values before it. */
  readonly end: number;
}

/** A forecast from an origin, and what came. */
interface Tested {
  readonly origin: Origin;
  readonly quantiles: Quantiles;
  readonly actual: Float64Array;
}

/** Forecasts with the network: for each origin its quantiles. */
export type NetworkForecasts = (origins: readonly Origin[]) => readonly Quantiles[];

/** How a candidate did. */
export interface Result extends Summary {
  /** By how much its quantiles are stretched to hold what they promise. */
  readonly factors: Factors;
  /** Forecasts that are better by MASE than the seasonal naive one, and all that can be compared. */
  readonly wins: number;
  readonly compared: number;
  /** Whether that may be chance; undefined if there is too little to tell. */
  readonly significance: Significance | undefined;
  /** The coverage of the 95 % interval at each step ahead. */
  readonly coverageByStep: readonly number[];
}

/** The outcome of a comparison by rolling origins. */
export interface Comparison {
  readonly results: Readonly<Partial<Record<CandidateName, Result>>>;
  /** The candidate with the smallest MASE. */
  readonly best: CandidateName;
  readonly origins: number;
  readonly folds: number;
  /** Series too short to be tested. */
  readonly untested: number;
}

/** The least number of values before an origin. */
export function leastHistory(season: number): number {
  return Math.max(4, season + 1);
}

/**
 * The origins of a rolling evaluation (Tashman, 2000): for each series up to `folds` of them, a horizon apart, the last a
 * horizon before the series' end. A series too short for an origin has none.
 */
export function originsOf(
  lengths: readonly number[],
  { horizon, season, folds }: { readonly horizon: number; readonly season: number; readonly folds: number },
): Origin[] {
  const least = leastHistory(season);
  return Array.from({ length: folds }, (_, fold) =>
    lengths.flatMap((length, series) => {
      const end = length - (folds - fold) * horizon;
      return end >= least ? [{ series, fold, end }] : [];
    })).flat();
}

/**
 * Compares all candidates by rolling origins. Every forecast is made from the values before its origin alone. Quantiles
 * are calibrated with the errors of the other folds or, if there is one fold only, of the other half of the series.
 */
export function compareCandidates(
  series: readonly Float64Array[],
  { horizon, season, folds, network }: {
    readonly horizon: number;
    readonly season: number;
    readonly folds: number;
    readonly network?: NetworkForecasts | undefined;
  },
): Comparison {
  const origins = originsOf(series.map(({ length }) => length), { horizon, season, folds });
  const actual = origins.map(({ series: of, end }) => series[of]!.subarray(end, end + horizon));
  const options = { season, horizon };
  const forecasts: Partial<Record<CandidateName, readonly Quantiles[]>> = {};
  for (const [name, { method }] of Object.entries(CLASSICAL)) {
    forecasts[name as ClassicalName] = origins.map(({ series: of, end }) =>
      normalQuantiles(method(series[of]!.subarray(0, end), options))
    );
  }
  if (network !== undefined) forecasts.network = network(origins);
  for (const [name, parts] of Object.entries(MEANS)) {
    if (parts.some((part) => forecasts[part] === undefined)) continue;
    forecasts[name as CandidateName] = origins.map((_, i) => averageOf(parts.map((part) => forecasts[part]![i]!)));
  }
  const scoring = (i: number) => ({ training: series[origins[i]!.series]!.subarray(0, origins[i]!.end), season });
  const reference = summarise(
    origins.map(({ series: of, end }, i) =>
      scoreOf(normalQuantiles(naive2(series[of]!.subarray(0, end), options)), actual[i]!, scoring(i))
    ),
  );
  const naive = origins.map((_, i) => scoreOf(forecasts.seasonalNaive![i]!, actual[i]!, scoring(i)));
  const scales = origins.map((_, i) => seasonalScale(scoring(i).training, season) ?? 1);
  const testedWith = (quantiles: readonly Quantiles[]): Tested[] =>
    origins.map((origin, i) => ({ origin, quantiles: quantiles[i]!, actual: actual[i]! }));
  const naiveErrors = meanErrors(stepErrors(testedWith(forecasts.seasonalNaive!), scales));
  const results: Partial<Record<CandidateName, Result>> = {};
  for (const name of Object.keys(LABELS) as CandidateName[]) {
    const quantiles = forecasts[name];
    if (quantiles === undefined) continue;
    const tested = testedWith(quantiles);
    const errors = meanErrors(stepErrors(tested, scales));
    const calibrated = crossCalibrated(tested, horizon);
    const scores = calibrated.map(({ quantiles, actual }, i) =>
      scoreOf(within(quantiles, scoring(i).training), actual, scoring(i))
    );
    results[name] = {
      ...withOwa(summarise(scores), reference),
      factors: conformalFactors(tested, horizon),
      ...winsOf(scores, naive),
      significance: name === "seasonalNaive" ? undefined : significance(errors, naiveErrors, horizon),
      coverageByStep: coverageByStep(calibrated, horizon),
    };
  }
  return {
    results,
    best: bestOf(results),
    origins: origins.length,
    folds: new Set(origins.map(({ fold }) => fold)).size,
    untested: series.length - new Set(origins.map(({ series }) => series)).size,
  };
}

/** The scores of forecasts from origins, without calibration. */
export function scoreForecasts(
  forecasts: readonly Quantiles[],
  origins: readonly Origin[],
  { series, season }: { readonly series: readonly Float64Array[]; readonly season: number },
): Summary {
  return summarise(forecasts.map((quantiles, i) => {
    const { series: of, end } = origins[i]!;
    const actual = series[of]!.subarray(end, end + quantiles[MEDIAN]!.length);
    const training = series[of]!.subarray(0, end);
    return scoreOf(within(quantiles, training), actual, { training, season });
  }));
}

/** The candidate with the smallest error: MASE or, if series repeat exactly and have none, RMSE. */
function bestOf(results: Comparison["results"]): CandidateName {
  const errorOf = ({ mase, rmse }: Result) => Number.isFinite(mase) ? mase : rmse;
  const names = Object.keys(results) as CandidateName[];
  return names.reduce((best, name) => errorOf(results[name]!) < errorOf(results[best]!) ? name : best);
}

function winsOf(scores: readonly Score[], others: readonly Score[]): { wins: number; compared: number } {
  const pairs = scores.map(({ mae }, i) => [mae, others[i]!.mae] as const).filter(([a, b]) => a !== b);
  return { wins: pairs.filter(([a, b]) => a < b).length, compared: pairs.length };
}

/** The absolute errors of the medians, in the scales of their series. */
function* stepErrors(tested: readonly Tested[], scales: readonly number[]) {
  for (const [i, { origin: { series, fold }, quantiles, actual }] of tested.entries()) {
    for (const [h, value] of actual.entries()) {
      yield { series, time: fold * actual.length + h, error: Math.abs(value - quantiles[MEDIAN]![h]!) / scales[i]! };
    }
  }
}

/** Each forecast stretched by the factors that other forecasts give. */
function crossCalibrated(tested: readonly Tested[], horizon: number): readonly Tested[] {
  const severalFolds = tested.some(({ origin }) => origin.fold !== tested[0]!.origin.fold);
  const groupOf = ({ origin }: Tested) => severalFolds ? origin.fold : origin.series % 2;
  const factors = new Map([...new Set(tested.map(groupOf))].map((group) => [
    group,
    conformalFactors(tested.filter((one) => groupOf(one) !== group), horizon),
  ]));
  return tested.map((one) => ({ ...one, quantiles: stretched(one.quantiles, factors.get(groupOf(one))!) }));
}

function coverageByStep(tested: readonly Tested[], horizon: number): number[] {
  return Array.from(
    { length: horizon },
    (_, h) =>
      tested.filter(({ quantiles, actual }) => quantiles[LOW]![h]! <= actual[h]! && actual[h]! <= quantiles[HIGH]![h]!)
        .length / tested.length,
  );
}

/** What follows series by a candidate, with calibrated quantiles. */
export function forecastBy(
  name: CandidateName,
  series: readonly Float64Array[],
  { horizon, season, factors, network }: {
    readonly horizon: number;
    readonly season: number;
    readonly factors: Factors;
    /** The network's forecasts of all series, if it takes part. */
    readonly network?: readonly Quantiles[] | undefined;
  },
): Quantiles[] {
  const one = (name: CandidateName, at: number): Quantiles => {
    const parts = MEANS[name];
    if (parts !== undefined) return averageOf(parts.map((part) => one(part, at)));
    if (name === "network") return network![at]!;
    return normalQuantiles(CLASSICAL[name as ClassicalName].method(series[at]!, { season, horizon }));
  };
  return series.map((values, at) => within(stretched(one(name, at), factors), values));
}

/** Whether a candidate needs the network. */
export function needsNetwork(name: CandidateName): boolean {
  return name === "network" || (MEANS[name]?.includes("network") ?? false);
}

/** The point forecast: the median. */
export function pointOf(quantiles: Quantiles): Float64Array {
  return quantiles[MEDIAN]!;
}
