import { type DType, noGrad, scope } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { type Batches, type Loss, lossOf } from "./batch.ts";
import type { Parallel } from "./parallel.ts";

/**
 * Options for {@linkcode evaluate}.
 *
 * @typeParam Y The dtype of the targets.
 */
export interface EvaluateOptions<Y extends DType = "f32"> {
  /** The loss to measure. */
  loss: Loss<Y>;
  /** The data. */
  batches: Batches<Y>;
  /**
   * Ranks that share every batch. All of them get the loss over the whole data.
   *
   * @default {none: one process}
   */
  parallel?: Parallel;
}

/**
 * The mean loss of a model over batches, weighted by their numbers of targets. The model does not change.
 *
 * @param model The model.
 * @param options The loss, the batches, and the ranks that share them.
 * @throws {RangeError} If there are no batches.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { evaluate } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * model.weight.data[0] = 1;
 * const batches = [{ x: tensor([[1], [2]]), y: tensor([[1], [4]]) }];
 * assert.equal(await evaluate(model, { loss: meanSquaredError, batches }), 2);
 * ```
 */
export async function evaluate<Y extends DType>(
  model: Layer,
  options: EvaluateOptions<Y>,
): Promise<number> {
  const { loss, batches, parallel } = options;
  let total = 0;
  let targets = 0;
  for await (const batch of batches) {
    targets += batch.y.size;
    const share = parallel === undefined ? batch : parallel.shard(batch);
    if (share === undefined) {
      if (batch.first) noGrad(() => model.reset?.());
      continue;
    }
    using _ = scope();
    total += share.y.size * noGrad(() => lossOf(model, loss, share)).item();
  }
  if (targets === 0) throw new RangeError("Cannot evaluate: batches must give at least one batch, got none");
  const [all] = await parallel?.sum([total]) ?? [total];
  return all! / targets;
}
