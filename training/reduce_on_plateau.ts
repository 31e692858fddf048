import type { Optimizer } from "@unfold/optimizers";
import { improves, watchedLoss } from "./_improvement.ts";
import { numbersState, readNumbers } from "./_numbers_state.ts";
import type { Consumer } from "./consume.ts";
import type { State, Stateful } from "./stateful.ts";

/** Options for {@linkcode reduceOnPlateau}; names and defaults as in PyTorch's `ReduceLROnPlateau`. */
export interface ReduceOnPlateauOptions {
  /**
   * What the learning rate is multiplied with.
   *
   * @default {0.1}
   */
  factor?: number;
  /**
   * Epochs without improvement that are waited for.
   *
   * @default {10}
   */
  patience?: number;
  /**
   * By which fraction of the best loss a loss must be smaller to count as better.
   *
   * @default {1e-4}
   */
  threshold?: number;
  /**
   * Epochs after a reduction that do not count.
   *
   * @default {0}
   */
  cooldown?: number;
  /**
   * The least that the learning rate is scaled to, as a fraction of the schedule's.
   *
   * @default {0}
   */
  leastScale?: number;
}

/**
 * Makes the learning rate smaller when the loss no longer falls: the validation loss of each epoch, or the training loss
 * where there is no validation. It sets `optimizer.learningRateScale`, so that it goes with any schedule.
 *
 * @param optimizer Whose learning rate to change.
 * @returns A consumer of training events, whose state a checkpoint may hold.
 * @throws {RangeError} If an option is out of range.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { reduceOnPlateau, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.2 });
 * const batches = [{ x: tensor([[0], [1]]), y: tensor([[1], [2]]) }];
 * const reduce = reduceOnPlateau(optimizer, { factor: 0.5, patience: 2, threshold: 0.5 });
 * for await (const event of train({ model, optimizer, loss: meanSquaredError, batches, epochs: 60 })) reduce(event);
 * assert.ok(optimizer.learningRate < 0.2);
 * ```
 */
export function reduceOnPlateau(
  optimizer: Optimizer,
  options: ReduceOnPlateauOptions = {},
): Consumer & Stateful {
  const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, leastScale = 0 } = options;
  const check = (name: string, value: number, valid: boolean, wanted: string) => {
    if (!valid) throw new RangeError(`Cannot reduce on a plateau: ${name} must be ${wanted}, got ${value}`);
  };
  check("factor", factor, factor > 0 && factor < 1, "above 0 and below 1");
  check("patience", patience, Number.isInteger(patience) && patience >= 0, "an integer of 0 or more");
  check("threshold", threshold, threshold >= 0 && threshold < 1, "at least 0 and below 1");
  check("cooldown", cooldown, Number.isInteger(cooldown) && cooldown >= 0, "an integer of 0 or more");
  check("leastScale", leastScale, leastScale >= 0 && leastScale <= 1, "from 0 to 1");
  let progress = { best: Infinity, waited: 0, cooling: 0 };
  const consumer: Consumer = (event) => {
    if (event.type !== "epoch") return;
    const loss = watchedLoss(event);
    const better = improves(loss, progress.best, threshold);
    if (better) progress.best = loss;
    progress.waited = better ? 0 : progress.waited + 1;
    if (progress.cooling > 0) {
      progress.cooling--;
      progress.waited = 0;
    }
    if (progress.waited <= patience) return;
    const { learningRateScale } = optimizer;
    optimizer.learningRateScale = Math.min(learningRateScale, Math.max(leastScale, factor * learningRateScale));
    progress.cooling = cooldown;
    progress.waited = 0;
  };
  return Object.assign(consumer, {
    state: () => new Map(numbersState(progress)),
    load: (state: State) => void (progress = readNumbers("reduce on a plateau", state, ["best", "waited", "cooling"])),
  });
}
