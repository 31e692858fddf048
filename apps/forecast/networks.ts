import { Checkpoints, stopOnSignals } from "@unfold/training";
import type { CellName } from "../shared/choices.ts";
import { HOW_TO_RESUME, StoppedError } from "../shared/cli.ts";
import { say } from "../shared/printable.ts";
import {
  type GlobalModel,
  scaleFor,
  type Trained,
  trainGlobal,
  trainingProgress,
  type TrainingSettings,
} from "./global_model.ts";
import { averageOf, type Quantiles } from "./quantiles.ts";
import type { Origin } from "./rolling.ts";
import type { Rhythm } from "./season.ts";
import type { SeriesSet } from "./series_set.ts";

/** How networks are trained. */
export interface NetworkSettings extends Omit<TrainingSettings, "cell"> {
  readonly cell: string;
  /** Networks that are trained from different weights and averaged. */
  readonly seeds: number;
}

/** Where training leaves checkpoints. */
export interface CheckpointFolder {
  readonly folder: string;
  /** What identifies the run. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Whether to continue from them. */
  readonly resume: boolean;
}

/** The frequency as a model file names it, such as "1 month". */
export function frequencyText({ unit, every }: Pick<Rhythm, "unit" | "every">): string {
  return `${every} ${unit}`;
}

/**
 * Trains a network for each seed on the first `ends` values of the series.
 *
 * @param doing What it is for, as progress shows it.
 * @param checkpoints Where to write checkpoints, one folder for each network. Default: none.
 * @throws {StoppedError} If the user stops it.
 */
export async function trainNetworks(
  { series, frequency }: Pick<SeriesSet, "series" | "frequency">,
  ends: readonly number[],
  { season, horizon, settings, doing, checkpoints }: {
    readonly season: number;
    readonly horizon: number;
    readonly settings: NetworkSettings;
    readonly doing: string;
    readonly checkpoints?: CheckpointFolder | undefined;
  },
): Promise<Trained[]> {
  const { cell, seeds, seed, ...rest } = settings;
  const values = series.map(({ values }) => values);
  const config = {
    season,
    horizon,
    scale: scaleFor(values),
    scaling: "standard" as const,
    frequency: frequencyText(frequency),
    ids: series.map(({ id }) => id),
  };
  using stop = stopOnSignals();
  const trained: Trained[] = [];
  for (let i = 0; i < seeds; i++) {
    say(`${doing}${seeds === 1 ? "" : `, network ${i + 1} of ${seeds}`}`);
    const one = await trainGlobal(
      { series: values, ends },
      config,
      { ...rest, cell: cell as CellName, seed: seed + i },
      {
        signal: stop.signal,
        // Those for the comparison and for the forecast.
        others: 2 * seeds - 1,
        onEvent: trainingProgress(rest),
        ...checkpoints && {
          folder: `${checkpoints.folder}-${i + 1}`,
          config: checkpoints.config,
          resume: checkpoints.resume,
        },
      },
    );
    if (one === undefined) {
      const how = checkpoints === undefined ? "stopped before the end; nothing was written" : HOW_TO_RESUME;
      throw new StoppedError(how, stop.exitCode!);
    }
    trained.push(one);
  }
  return trained;
}

/** Removes the checkpoints that {@linkcode trainNetworks} left. */
export async function clearCheckpoints(folder: string, seeds: number): Promise<void> {
  for (let i = 0; i < seeds; i++) await new Checkpoints({ folder: `${folder}-${i + 1}` }).clear();
}

/** The mean forecast of networks from origins. */
export function forecastWith(
  models: readonly GlobalModel[],
  series: SeriesSet["series"],
  origins: readonly Pick<Origin, "series" | "end">[],
): Quantiles[] {
  const windows = origins.map(({ series: at, end }) => ({ id: series[at]!.id, values: series[at]!.values, end }));
  const all = models.map((model) => model.forecast(windows));
  return windows.map((_, i) => averageOf(all.map((one) => one[i]!)));
}
