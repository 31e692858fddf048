import type { OptimizerOption } from "../shared/load_optimizer.ts";
import { MODEL } from "./judge.ts";
import type { Prices } from "./prices.ts";
import type { TrainResult, TrainSettings } from "./train.ts";

/** What was chosen, as it is written down. */
export interface Chosen extends TrainSettings {
  readonly optimizer: string;
  readonly optimizerOption: Readonly<Record<string, OptimizerOption>>;
}

/** What `train` tells: in `metrics.json`, and on stdout with `--json`. */
export type Summary = ReturnType<typeof summaryOf>;

/** Sums a training run up. */
export function summaryOf(prices: Prices, settings: Chosen, result: TrainResult) {
  const { test, labels, scores, direction, held, bestEpoch, validationLoss, history, gradientFlow, split, forecaster } =
    result;
  const count = ({ from, to }: { from: number; to: number }) => to - from;
  return {
    data: { source: prices.file, rows: prices.dates.length, from: prices.dates[0]!, to: prices.dates.at(-1)! },
    settings,
    windows: { train: count(split.train), validation: count(split.validation), test: count(split.test) },
    test: { from: test.dates[0]!, to: test.dates.at(-1)! },
    bestEpoch,
    validationLoss,
    labels: { [MODEL]: `${settings.model} (epoch ${bestEpoch})`, ...labels } as Readonly<Record<string, string>>,
    scores,
    direction,
    interval: forecaster.interval && { ...forecaster.interval, held: held! },
    next: forecaster.next(prices),
    history,
    gradientFlow,
  };
}
