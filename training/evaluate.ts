import { type DType, noGrad, scope } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { type Batches, checkBatch, checkBatches, findBadValue, type Loss, lossOf } from "./batch.ts";
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
 * The mean loss of a model over the targets of all batches that count: each batch is weighted by the count of its loss. The
 * model does not change. A state that it carries from batch to batch starts from zeros, so evaluating twice gives the same.
 *
 * @param model The model.
 * @param options The loss, the batches, and the ranks that share them.
 * @throws {TypeError} If a batch is not `{ x, y }`, or the loss is not a scalar or does not use the batch's weights or lengths.
 * @throws {RangeError} If there are no batches, or none of their targets counts.
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
  return (await measure(model, options)).loss;
}

/** What {@linkcode evaluate} returns and, if it is not finite and the data are to blame, where. */
export async function measure<Y extends DType>(
  model: Layer,
  { loss, batches, parallel }: EvaluateOptions<Y>,
): Promise<{ loss: number; problem: string | undefined }> {
  checkBatches("evaluate", "batches", batches);
  let [total, counted, seen] = [0, 0, 0];
  let problem: string | undefined;
  noGrad(() => model.reset?.());
  for await (const batch of batches) {
    checkBatch("evaluate", batch);
    seen++;
    const share = parallel === undefined ? batch : parallel.shard(batch);
    if (share === undefined) {
      if (batch.first) noGrad(() => model.reset?.());
      continue;
    }
    using _ = scope();
    const error = noGrad(() => lossOf("evaluate", model, loss, share));
    // The loss of no targets can be NaN.
    if (error.counted === 0) continue;
    const value = error.loss.item();
    total += error.counted * value;
    counted += error.counted;
    if (!Number.isFinite(value)) problem ??= findBadValue(batch);
  }
  if (seen === 0) throw new RangeError("Cannot evaluate: batches must give at least one batch, got none");
  const [all, targets] = await parallel?.sum([total, counted]) ?? [total, counted];
  if (targets! > 0) return { loss: all! / targets!, problem };
  throw new RangeError(
    "Cannot evaluate: at least one target must count, got none; look at ignoreIndex, lengths and weights",
  );
}
