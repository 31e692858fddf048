import { type DType, scope } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { Layer } from "@unfold/layers";
import type { Optimizer, Schedule } from "@unfold/optimizers";
import { type Batch, type Batches, type Loss, lossOf } from "./batch.ts";

/** The decay of the smoothed loss per step. */
const SMOOTHING = 0.98;

/**
 * Options for {@linkcode findLearningRate}.
 *
 * @typeParam Y The dtype of the targets.
 */
export interface FindLearningRateOptions<Y extends DType = "f32"> {
  /** The model to train. */
  model: Layer;
  /** Makes the optimizer, with the given schedule. */
  optimizer: (learningRate: Schedule) => Optimizer;
  /** The loss to minimise. */
  loss: Loss<Y>;
  /** The training data, repeated as often as needed. */
  batches: Batches<Y>;
  /**
   * The first learning rate.
   *
   * @default {1e-7}
   */
  from?: number;
  /**
   * The last learning rate.
   *
   * @default {10}
   */
  to?: number;
  /**
   * Batches to train on.
   *
   * @default {100}
   */
  steps?: number;
}

/** The result of {@linkcode findLearningRate}. */
export interface LearningRateSearch {
  /** The learning rates tried, ascending. */
  readonly rates: readonly number[];
  /** The smoothed loss before the step at each rate. */
  readonly losses: readonly number[];
  /** The rate at which the loss fell fastest, or undefined if it never fell. */
  readonly suggestion: number | undefined;
}

/**
 * The learning rate range test (Smith, 2017, as in fastai). It trains with a rate that grows by a constant factor per batch,
 * ηᵢ = from·(to/from)^(i/(steps − 1)), and tracks the running mean of the loss, mᵢ = 0.98·mᵢ₋₁ + 0.02·lossᵢ, corrected for its
 * start at 0. It stops when the mean is not finite, or exceeds its best value m by more than 3·|m|: at 4 times the best, if
 * losses are positive.
 *
 * The suggestion is the rate at which the smoothed loss fell most steeply against the logarithm of the rate. The first tenth
 * of the steps does not count, because the mean is over few losses there. Take it as a starting point, and plot `losses` over
 * `rates` to judge it.
 *
 * The search restores the parameters bit for bit and zeroes their gradients, also if something throws. Make the optimizer to
 * train with after the search: the parameters belong to the optimizer made last.
 *
 * @param options The model, the data, and the rates to try.
 * @returns The rates, the smoothed losses, and a suggestion.
 * @throws {RangeError} If the rates do not rise from above 0, `steps` is not an integer of 2 or more, there are no batches, or
 * the first loss is not finite.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { findLearningRate } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * const { suggestion } = await findLearningRate({
 *   model,
 *   optimizer: (learningRate) => new Optimizer(model.parameters(), [sgd()], { learningRate }),
 *   loss: meanSquaredError,
 *   batches,
 * });
 * assert.ok(suggestion! > 1e-3 && suggestion! < 1);
 * ```
 */
export async function findLearningRate<Y extends DType>(
  options: FindLearningRateOptions<Y>,
): Promise<LearningRateSearch> {
  const { model, loss, batches, from = 1e-7, to = 10, steps = 100 } = options;
  if (!(from > 0 && from < to && to < Infinity)) {
    throw new RangeError(
      `Cannot find a learning rate: from must be above 0 and below to, which must be finite, got ${from} and ${to}`,
    );
  }
  checkCounts("find a learning rate", { steps }, { least: 2 });
  const parameters = Object.values(model.parameters());
  const before = parameters.map(({ data }) => data.slice());
  const rates: number[] = [];
  const losses: number[] = [];
  const nextRate = () => from * (to / from) ** (rates.length / (steps - 1));
  let [mean, best] = [0, Infinity];
  try {
    // Counts batches: the optimizer's own count omits steps that a plugin skips.
    const optimizer = options.optimizer(nextRate);
    for await (const batch of repeat(batches)) {
      const value = takeStep(optimizer, batch);
      mean = SMOOTHING * mean + (1 - SMOOTHING) * value;
      const smoothed = mean / (1 - SMOOTHING ** (rates.length + 1));
      if (!Number.isFinite(smoothed)) {
        if (rates.length > 0) break;
        throw new RangeError(`Cannot find a learning rate: the first loss must be finite, got ${value}`);
      }
      rates.push(nextRate());
      losses.push(smoothed);
      best = Math.min(best, smoothed);
      if (rates.length === steps || smoothed - best > 3 * Math.abs(best)) break;
    }
  } finally {
    parameters.forEach((parameter, index) => {
      parameter.data.set(before[index]!);
      parameter.zeroGrad();
    });
    model.reset?.();
  }
  return { rates, losses, suggestion: steepest(rates, losses, Math.floor(steps / 10)) };

  function takeStep(optimizer: Optimizer, batch: Batch<Y>): number {
    using _ = scope();
    const error = lossOf(model, loss, batch);
    error.backward();
    optimizer.step();
    return error.item();
  }
}

/** The batches, repeated forever. */
async function* repeat<Y extends DType>(batches: Batches<Y>): AsyncGenerator<Batch<Y>, never, undefined> {
  while (true) {
    let empty = true;
    for await (const batch of batches) {
      empty = false;
      yield batch;
    }
    if (empty) {
      throw new RangeError(
        "Cannot find a learning rate: batches must give at least one batch in every pass, got none; a generator gives its " +
          "batches only once, use an array or Windows",
      );
    }
  }
}

/** The rate of the steepest fall. The logarithms of the rates are equally spaced, so the slope is the difference of losses. */
function steepest(rates: readonly number[], losses: readonly number[], start: number): number | undefined {
  let [least, suggestion]: [number, number | undefined] = [0, undefined];
  for (let i = start; i + 1 < losses.length; i++) {
    const slope = losses[i + 1]! - losses[i]!;
    if (slope < least) [least, suggestion] = [slope, rates[i]];
  }
  return suggestion;
}
