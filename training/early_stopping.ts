import { loadParameters, type NamedParameters, type SafetensorsInput } from "@unfold/core";
import { improves, watchedLoss } from "./_improvement.ts";
import { numbersState, readNumbers } from "./_numbers_state.ts";
import type { Consumer } from "./consume.ts";
import type { State, Stateful } from "./stateful.ts";

/** Options for {@linkcode earlyStopping}. */
export interface EarlyStoppingOptions {
  /**
   * Epochs without improvement that are waited for.
   *
   * @default {Infinity: never stop, but keep the best weights}
   */
  patience?: number;
  /**
   * By which fraction of the best loss a loss must be smaller to count as better.
   *
   * @default {0}
   */
  threshold?: number;
}

/** What {@linkcode earlyStopping} returns. */
export interface EarlyStopping extends Consumer, Stateful {
  /** The best epoch so far, 0 before the first. */
  readonly epoch: number;
  /** Its loss. */
  readonly loss: number;
}

/**
 * Keeps the weights of the epoch with the smallest loss (of the validation, or of the training where there is none), says
 * "stop" when none has been better for some epochs, and puts the best weights back then or when the run is done.
 *
 * @param parameters The model's parameters.
 * @returns A consumer of training events, whose state a checkpoint may hold.
 * @throws {RangeError} If `patience` is not 0 or more, or `threshold` does not lie in [0, 1).
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { consume, earlyStopping, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * const early = earlyStopping(model.parameters(), { patience: 2 });
 * await consume(train({ model, optimizer, loss: meanSquaredError, batches, epochs: 5 }), early);
 * assert.equal(early.epoch, 5);
 * ```
 */
export function earlyStopping(parameters: NamedParameters, options: EarlyStoppingOptions = {}): EarlyStopping {
  const { patience = Infinity, threshold = 0 } = options;
  if (!(patience >= 0)) throw new RangeError(`Cannot stop early: patience must be 0 or more, got ${patience}`);
  if (!(threshold >= 0 && threshold < 1)) {
    throw new RangeError(`Cannot stop early: threshold must be at least 0 and below 1, got ${threshold}`);
  }
  let best = { epoch: 0, loss: Infinity, waited: 0 };
  let weights: State = new Map();
  const copy = () => {
    weights = new Map(
      Object.entries(parameters).map((
        [name, { shape, data }],
      ) => [name, { shape, data: data.slice() as Float32Array<ArrayBuffer> }]),
    );
  };
  const restore = () => {
    if (weights.size > 0) loadParameters(parameters, weights);
  };
  const consumer: Consumer = (event) => {
    if (event.type === "done" && event.finished) restore();
    if (event.type !== "epoch") return;
    const loss = watchedLoss(event);
    if (improves(loss, best.loss, threshold)) {
      best = { epoch: event.epoch, loss, waited: 0 };
      copy();
    } else if (++best.waited > patience) {
      restore();
      return "stop";
    }
  };
  return Object.defineProperties(consumer, {
    epoch: { get: () => best.epoch },
    loss: { get: () => best.loss },
    state: {
      value: () =>
        new Map<string, SafetensorsInput>([
          ...numbersState(best),
          ...[...weights].map(([name, entry]) => [`weights/${name}`, entry] as const),
        ]),
    },
    load: {
      value: (state: State) => {
        const numbers = readNumbers("stop early", state, ["epoch", "loss", "waited"]);
        const foreign = Object.entries(parameters).find(([name, { shape }]) =>
          numbers.epoch > 0 && `${state.get(`weights/${name}`)?.shape}` !== `${shape}`
        );
        if (foreign !== undefined) {
          throw new TypeError(
            `Cannot stop early: its state must have the best weights of ${foreign[0]}, [${foreign[1].shape}]`,
          );
        }
        weights = new Map(
          [...state].filter(([name]) => name.startsWith("weights/")).map((
            [name, entry],
          ) => [name.slice("weights/".length), entry]),
        );
        best = numbers;
      },
    },
  }) as EarlyStopping;
}
