import { type DType, scope } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { Layer } from "@unfold/layers";
import type { Optimizer, Schedule } from "@unfold/optimizers";
import { type Batch, type Batches, type Loss, lossOf } from "./batch.ts";

/** How much of the smoothed loss stays from step to step. */
const SMOOTHING = 0.98;

/**
 * Options for {@linkcode findLearningRate}.
 *
 * @typeParam Y The kind of the target's elements.
 */
export interface FindLearningRateOptions<Y extends DType = "f32"> {
  /** What is to be trained. */
  model: Layer;
  /** Makes the optimizer that is to train it, with the schedule that it is given. */
  optimizer: (learningRate: Schedule) => Optimizer;
  /** What is minimised. */
  loss: Loss<Y>;
  /** The training data, gone through as often as the steps need. */
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

/** What {@linkcode findLearningRate} found. */
export interface LearningRateSearch {
  /** The learning rates that were tried, ascending. */
  readonly rates: readonly number[];
  /** The smoothed loss before the step with each rate. */
  readonly losses: readonly number[];
  /** The rate at which the loss fell fastest; undefined where it never fell. */
  readonly suggestion: number | undefined;
}

/**
 * The learning rate range test (Smith, 2017, as in fastai): trains with rates that rise from batch to batch by one factor,
 * ηᵢ = from·(to/from)^(i/(steps − 1)), and watches the mean of the losses, mᵢ = 0.98·mᵢ₋₁ + 0.02·lossᵢ, corrected for its
 * start from 0. It stops where that is no longer finite or above its best m by more than 3·|m|: above 4 times its best,
 * where losses are positive.
 *
 * The suggestion is the rate at which the smoothed loss fell most steeply against the rate's logarithm, the first tenth of
 * the steps left aside, when the mean is of few losses. It is a rate to start from; draw `losses` over `rates` to judge it.
 *
 * Afterwards the parameters are to the bit what they were and their gradients 0, also where something throws. They belong
 * to the search's optimizer until another is made, so make the one to train with after it.
 *
 * @param options Model, data, and the rates to try.
 * @returns Rates, smoothed losses, and a suggestion.
 * @throws {RangeError} If the rates do not rise from above 0, `steps` is no integer of 2 or more, there is no batch, or the
 * first loss is not finite.
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
    // By batches and not by the optimizer's own count, which leaves out steps that a plugin drops.
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

/** The batches, again and again. */
async function* repeat<Y extends DType>(batches: Batches<Y>): AsyncGenerator<Batch<Y>, never, undefined> {
  while (true) {
    let empty = true;
    for await (const batch of batches) {
      empty = false;
      yield batch;
    }
    if (empty) {
      throw new RangeError(
        "Cannot find a learning rate: batches must give at least one batch each time, got none; a generator gives its " +
          "batches only once, an array or a Windows again and again",
      );
    }
  }
}

/** The rate of the steepest fall; the rates' logarithms are equally far apart, so that differences of losses tell. */
function steepest(rates: readonly number[], losses: readonly number[], start: number): number | undefined {
  let [least, suggestion]: [number, number | undefined] = [0, undefined];
  for (let i = start; i + 1 < losses.length; i++) {
    const slope = losses[i + 1]! - losses[i]!;
    if (slope < least) [least, suggestion] = [slope, rates[i]];
  }
  return suggestion;
}
