import { UsageError } from "../shared/cli.ts";
import { say } from "../shared/printable.ts";
import { sizesFor } from "./global_model.ts";
import { type CheckpointFolder, forecastWith, type NetworkSettings, trainNetworks } from "./networks.ts";
import { compareCandidates, type Comparison, type NetworkForecasts, originsOf, scoreForecasts } from "./rolling.ts";
import type { Summary } from "./scores.ts";
import { hasOrigins } from "./windows.ts";
import type { SeriesSet } from "./series_set.ts";

/** Steps of a season and ahead. */
export interface Terms {
  readonly season: number;
  readonly horizon: number;
}

/** How to compare by rolling origins. */
export interface Rolling extends Terms {
  readonly folds: number;
}

/** Whether a network can learn from the first `ends` values of series, and be checked on a horizon of them. */
export function canTrain(ends: readonly number[], terms: Terms): boolean {
  const { past, segment } = sizesFor(ends, terms);
  const { horizon } = terms;
  return ends.some((end) => end > 2 * horizon + 1) && hasOrigins(ends, { past: past * segment, horizon });
}

/** For each series the number of values before its first origin. A network must not see later ones. */
function firstOrigins({ series }: SeriesSet, sizes: Rolling): number[] {
  const lengths = series.map(({ values }) => values.length);
  const first = lengths.map((length) => length - sizes.folds * sizes.horizon);
  for (const { series, end } of originsOf(lengths, sizes).toReversed()) first[series] = end;
  return first;
}

/** Forecasts of networks that are trained before the first origin; undefined if there is too little to learn from. */
async function networkForecasts(
  set: SeriesSet,
  { season, horizon, folds, checkpoints, ...settings }: Rolling & NetworkSettings & {
    readonly checkpoints?: CheckpointFolder | undefined;
  },
): Promise<NetworkForecasts | undefined> {
  const ends = firstOrigins(set, { season, horizon, folds });
  if (!canTrain(ends, { season, horizon })) return undefined;
  const doing = "training for the comparison";
  const trained = await trainNetworks(set, ends, { season, horizon, settings, doing, checkpoints });
  const models = trained.map(({ model }) => model);
  return (origins) => forecastWith(models, set.series, origins);
}

/**
 * Compares all candidates on a set of series by rolling origins.
 *
 * @throws {StoppedError} If the user stops the training.
 */
export async function compareOn(
  set: SeriesSet,
  { network, ...options }: Rolling & NetworkSettings & {
    /** Whether a network takes part. */
    readonly network: boolean;
    readonly checkpoints?: CheckpointFolder | undefined;
  },
): Promise<Comparison> {
  const { season, horizon, folds } = options;
  const values = set.series.map(({ values }) => values);
  // Series that never change have nothing to learn.
  const isStill = values.every((one) => one.every((value) => value === one[0]));
  const forecasts = network && !isStill ? await networkForecasts(set, options) : undefined;
  if (network && !isStill && forecasts === undefined) say("note: the series are too short to train a network on");
  const comparison = compareCandidates(values, { season, horizon, folds, network: forecasts });
  if (comparison.untested > 0) {
    say(`note: ${comparison.untested} of ${values.length} series are too short to be compared on`);
  }
  return comparison;
}

/**
 * How networks alone do on rolling origins.
 *
 * @throws {UsageError} If there is too little to learn from.
 * @throws {StoppedError} If the user stops the training.
 */
export async function scoreNetworks(set: SeriesSet, options: Rolling & NetworkSettings): Promise<Summary> {
  const { season, horizon, folds } = options;
  const forecasts = await networkForecasts(set, options);
  if (forecasts === undefined) {
    throw new UsageError(
      `Cannot tune on ${set.file}: a series must have more than ${
        2 * horizon + 1
      } values before its ${folds} folds and ` +
        "the last horizon, got fewer; shorten --horizon, or lower --folds",
    );
  }
  const values = set.series.map(({ values }) => values);
  const origins = originsOf(values.map(({ length }) => length), { season, horizon, folds });
  return scoreForecasts(forecasts(origins), origins, { series: values, season });
}
