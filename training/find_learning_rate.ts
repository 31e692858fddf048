import { type DType, scope } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { Layer } from "@unfold/layers";
import type { Optimizer, Schedule } from "@unfold/optimizers";
import { type Batch, type Batches, checkBatch, checkBatches, findBadValue, type Loss, lossOf } from "./batch.ts";
import { isStateful } from "./stateful.ts";

const DOING = "find a learning rate";
/** Rates between two neighbours of the coarse search that the fine one tries. */
const BETWEEN = 2;
/** The share of the batches, at the end, whose mean loss judges a rate. */
const JUDGED = 0.2;

/**
 * Options for {@linkcode findLearningRate}.
 *
 * @typeParam Y The dtype of the targets.
 */
export interface FindLearningRateOptions<Y extends DType = "f32"> {
  /** The model to train. */
  model: Layer;
  /** Makes the optimizer, with the given schedule. It is called once. */
  optimizer: (learningRate: Schedule) => Optimizer;
  /** The loss to minimise. */
  loss: Loss<Y>;
  /** The training data, repeated as often as needed. */
  batches: Batches<Y>;
  /**
   * The lowest learning rate to try.
   *
   * @default {1e-7}
   */
  from?: number;
  /**
   * The highest learning rate to try.
   *
   * @default {10}
   */
  to?: number;
  /**
   * Batches to train on with each rate. With more, the search takes longer and the rate suits a longer training.
   *
   * @default {100}
   */
  steps?: number;
}

/** The result of {@linkcode findLearningRate}. */
export interface LearningRateSearch {
  /** The learning rates tried, ascending. */
  readonly rates: readonly number[];
  /** The mean loss over the last fifth of the batches with each rate; infinite if the training diverged. */
  readonly losses: readonly number[];
  /**
   * The rate with the lowest loss. Undefined if no rate lowers the loss, or if the best one is the lowest or the highest tried:
   * then a better one may be outside the range.
   */
  readonly suggestion: number | undefined;
}

/**
 * Finds the constant learning rate that lowers the loss the most within some batches. It trains from the same weights with one
 * rate per decade, then with two more on either side of the best one: 13 short trainings with the default range. Each sees the
 * same batches, if these are an array or have a state, as {@linkcode Windows} do.
 *
 * Take the suggestion as a starting point: a longer training can do with a lower rate. Plot `losses` over `rates` to see how
 * much the rate matters.
 *
 * The search restores the parameters bit for bit, zeroes their gradients and puts the batches back to where they were, also if
 * something throws. It disposes of its optimizer: make the one to train with after the search.
 *
 * @param options The model, the data, and the rates to try.
 * @returns The rates, their losses, and a suggestion.
 * @throws {RangeError} If the rates do not rise from above 0, `steps` is not an integer of 2 or more, there are no batches, or
 * the loss before training is not finite.
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
 * assert.ok(suggestion! > 0.05 && suggestion! < 0.5);
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
  checkCounts(DOING, { steps }, { least: 2 });
  checkBatches(DOING, "batches", batches);
  const parameters = Object.values(model.parameters());
  const before = parameters.map(({ data }) => data.slice());
  const position = isStateful(batches) ? batches.state() : undefined;
  let rate = 0;
  const optimizer = options.optimizer(() => rate);
  const untrained = optimizer.state();
  const rewind = () => {
    parameters.forEach((parameter, index) => parameter.data.set(before[index]!));
    optimizer.load(untrained);
    model.reset?.();
    if (isStateful(batches)) batches.load(position!);
  };

  /** The mean loss of the last batches of a training with one rate. */
  async function judge(tried: number): Promise<number> {
    rewind();
    rate = tried;
    let [done, total, counted] = [0, 0, 0];
    for await (const batch of repeat(batches)) {
      checkBatch(DOING, batch);
      const step = takeStep(batch);
      if (!Number.isFinite(step.loss)) return step.loss;
      if (done++ >= Math.floor(steps * (1 - JUDGED))) {
        total += step.loss * step.counted;
        counted += step.counted;
      }
      if (done === steps) break;
    }
    return total / counted;
  }

  function takeStep(batch: Batch<Y>): { loss: number; counted: number } {
    using _ = scope();
    const { loss: error, counted } = lossOf(DOING, model, loss, batch);
    if (counted === 0) return { loss: 0, counted };
    const value = error.item();
    if (rate === 0 && !Number.isFinite(value)) {
      const problem = findBadValue(batch) ?? `the loss before training must be finite, got ${value}`;
      throw new RangeError(`Cannot find a learning rate: ${problem}`);
    }
    error.backward();
    optimizer.step();
    return { loss: value, counted };
  }

  try {
    const start = await judge(0);
    const decades = Math.max(2, Math.ceil(Math.log10(to / from)));
    const tried = new Map<number, number>();
    const attempt = async (place: number) => {
      const value = await judge(from * (to / from) ** (place / (decades * (BETWEEN + 1))));
      tried.set(place, Number.isFinite(value) ? value : Infinity);
    };
    for (let place = 0; place <= decades; place++) await attempt(place * (BETWEEN + 1));
    const coarse = bestOf(tried);
    for (let place = coarse - BETWEEN; place <= coarse + BETWEEN; place++) {
      if (place > 0 && place < decades * (BETWEEN + 1) && place !== coarse) await attempt(place);
    }
    const places = [...tried.keys()].sort((a, b) => a - b);
    const rates = places.map((place) => from * (to / from) ** (place / (decades * (BETWEEN + 1))));
    const losses = places.map((place) => tried.get(place)!);
    const best = bestOf(tried);
    const isInside = best > 0 && best < decades * (BETWEEN + 1);
    return {
      rates,
      losses,
      suggestion: isInside && tried.get(best)! < start ? rates[places.indexOf(best)] : undefined,
    };
  } finally {
    rewind();
    // Gradients of a step that threw.
    for (const parameter of parameters) parameter.zeroGrad();
    // So that another optimizer can take the parameters.
    (optimizer as Partial<Disposable>)[Symbol.dispose]?.();
  }
}

/** The place with the lowest loss. */
function bestOf(losses: ReadonlyMap<number, number>): number {
  return [...losses].reduce((best, one) => one[1] < best[1] ? one : best)[0];
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
