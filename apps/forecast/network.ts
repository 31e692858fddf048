import {
  add,
  cast,
  concat,
  defineOp,
  type DType,
  empty,
  full,
  gather,
  type NamedParameters,
  type Random,
  relu,
  reshape,
  scale,
  slice,
  type Tensor,
  tensor,
} from "@unfold/core";
import {
  Dense,
  Dropout,
  Embedding,
  LastStep,
  type Layer,
  type LossOptions,
  type RecurrentLayer,
  type RecurrentState,
} from "@unfold/layers";
import type { CellName } from "../shared/choices.ts";
import { makeRecurrent } from "../shared/models.ts";
import { denseSizes, embeddingSizes, recurrentSizes, type Sizes, sum } from "../shared/sizes.ts";
import { LEVELS } from "./quantiles.ts";

/** The sizes of a network. */
export interface NetworkConfig {
  readonly cell: CellName;
  readonly hidden: number;
  /** Steps in a segment. */
  readonly segment: number;
  /** Segments that the network sees. */
  readonly past: number;
  /** Segments that it forecasts. */
  readonly ahead: number;
  /** The fraction of features before the output that are dropped while training. */
  readonly dropout: number;
  /** The number of series that it has an embedding of, besides the one of series it does not know. */
  readonly series: number;
}

/** Features of a series, and of the place of a segment ahead. */
const [SERIES_FEATURES, PLACE_FEATURES] = [8, 8];

/** How much a network takes, for batches of this many windows. */
export function networkSizes({ cell, hidden, segment, past, ahead, series }: NetworkConfig, batch: number): Sizes {
  const rows = batch * ahead;
  const features = hidden + PLACE_FEATURES + SERIES_FEATURES;
  return sum(
    recurrentSizes({ cell, inputSize: segment, hidden }, { batch, time: past }),
    embeddingSizes({ vocabulary: series + 1, features: SERIES_FEATURES }, { batch, time: 1 }),
    embeddingSizes({ vocabulary: ahead, features: PLACE_FEATURES }, { batch: rows, time: 1 }),
    // What is gathered for each row, and its gradients.
    { weights: 0, step: rows * (hidden + SERIES_FEATURES + features) },
    denseSizes({ inputs: features, outputs: hidden, rows }),
    // What comes through the activation and the dropout, its mask, and the gradients of both.
    { weights: 0, step: 5 * rows * hidden },
    denseSizes({ inputs: hidden, outputs: segment * LEVELS.length, rows }),
    // The sum with the linear term.
    { weights: 0, step: 2 * rows * segment * LEVELS.length },
    denseSizes({ inputs: past * segment, outputs: ahead * segment, rows: batch, bias: false }),
  );
}

/**
 * One network for all series. It reads a window in segments (SegRNN, Lin et al., 2023), so that a recurrent layer takes
 * a whole season at each step, and forecasts all segments ahead at once from its last state h: with the embeddings p of
 * a segment's place and e of the series,
 *
 *     quantiles of segment j = V·relu(D·[h, p_j, e]) + (L·window)_j
 *
 * The linear term L is a path around the recurrent layer, as in DLinear (Zeng et al., 2023); all quantiles share it.
 *
 * Input: [batch, past·segment + 1], a scaled window and the number of its series, 0 for an unknown one.
 * Output: [batch, ahead·segment, levels], scaled like the window.
 */
export class GlobalNetwork implements Layer {
  readonly config: NetworkConfig;
  /** The stream of the dropout. */
  readonly random: Random;
  readonly encoder: RecurrentLayer<RecurrentState> & Layer;
  readonly last = new LastStep();
  readonly series: Embedding;
  readonly places: Embedding;
  readonly hidden: Dense;
  readonly dropout: Dropout;
  readonly output: Dense;
  readonly straight: Dense;

  constructor(config: NetworkConfig, random: Random) {
    const { cell, hidden, segment, past, ahead, series } = config;
    this.config = config;
    this.random = random;
    this.encoder = makeRecurrent({ cell, inputSize: segment, hiddenSize: hidden, random });
    this.series = new Embedding({ vocabularySize: series + 1, outputSize: SERIES_FEATURES, random });
    this.places = new Embedding({ vocabularySize: ahead, outputSize: PLACE_FEATURES, random });
    const features = hidden + PLACE_FEATURES + SERIES_FEATURES;
    this.hidden = new Dense({ inputSize: features, outputSize: hidden, random });
    this.dropout = new Dropout({ rate: config.dropout, random });
    this.output = new Dense({ inputSize: hidden, outputSize: segment * LEVELS.length, random });
    this.straight = new Dense({ inputSize: past * segment, outputSize: ahead * segment, bias: false, random });
    // Embeddings start small, so that series begin alike.
    for (const { weight } of [this.series, this.places]) {
      weight.data.forEach((value, i) => weight.data[i] = value / 10);
    }
    this.straight.weight.data.forEach((value, i) => this.straight.weight.data[i] = value / 10);
  }

  parameters(): NamedParameters {
    const parts: Record<string, Layer> = {
      encoder: this.encoder,
      series: this.series as unknown as Layer,
      places: this.places as unknown as Layer,
      hidden: this.hidden,
      output: this.output,
      straight: this.straight,
    };
    return Object.fromEntries(
      Object.entries(parts).flatMap(([part, layer]) =>
        Object.entries(layer.parameters()).map(([name, parameter]) => [`${part}.${name}`, parameter])
      ),
    );
  }

  forward(x: Tensor<DType>): Tensor {
    const { segment, past, ahead } = this.config;
    const [batch] = x.shape as [number, number];
    const length = past * segment;
    const window = slice(x as Tensor, { axis: 1, start: 0, end: length });
    const ids = reshape(cast(slice(x as Tensor, { axis: 1, start: length }), "i32"), [batch]);
    const state = this.last.forward(this.encoder.forward(reshape(window, [batch, past, segment])));
    // A row for each segment ahead of each window.
    const row = tensor(Int32Array.from({ length: batch * ahead }, (_, i) => Math.floor(i / ahead)), { dtype: "i32" });
    const place = tensor(Int32Array.from({ length: batch * ahead }, (_, i) => i % ahead), { dtype: "i32" });
    const features = concat([
      gather(state, row),
      this.places.forward(place),
      gather(this.series.forward(ids), row),
    ], { axis: 1 });
    const kept = this.dropout.forward(relu(this.hidden.forward(features)));
    const curved = reshape(this.output.forward(kept), [batch, ahead * segment, LEVELS.length]);
    return add(curved, reshape(this.straight.forward(window), [batch, ahead * segment, 1]));
  }
}

const pinball = defineOp("pinball", (prediction: Tensor, target: Tensor, weights: Float32Array | undefined) => {
  const [batch, ahead, levels] = prediction.shape as [number, number, number];
  const horizon = target.shape[1]!;
  const slopes = empty(prediction.shape);
  const [p, y, d] = [prediction.data, target.data, slopes.data];
  d.fill(0);
  const sum = weights?.reduce((a, b) => a + b, 0) ?? batch;
  let total = 0;
  for (let b = 0; b < batch; b++) {
    const share = (weights?.[b] ?? 1) / (sum * horizon * levels);
    for (let h = 0; h < horizon; h++) {
      const value = y[b * horizon + h]!;
      for (let level = 0, at = (b * ahead + h) * levels; level < levels; level++, at++) {
        const error = value - p[at]!;
        const slope = error >= 0 ? LEVELS[level]! : LEVELS[level]! - 1;
        total += share * slope * error;
        d[at] = -slope * share;
      }
    }
  }
  return {
    inputs: [prediction],
    output: full([], 2 * total),
    backward: (dy: Tensor) => {
      return [scale(slopes, 2 * dy.item())];
    },
  };
});

/**
 * Twice the quantile (pinball) loss at all {@linkcode LEVELS}, the mean over the steps of the target: for the median, the
 * absolute error.
 *
 * @param prediction [batch, steps, levels]; steps beyond the target's do not count.
 * @param target [batch, horizon].
 * @param options The weight of each window, [batch].
 */
export function pinballLoss(prediction: Tensor, target: Tensor, options?: LossOptions): Tensor {
  const weights = options?.weights?.data.slice();
  const loss = pinball(prediction, target, weights);
  loss.count = weights?.reduce((a, b) => a + b, 0) ?? target.shape[0]!;
  return loss;
}
