import { type DType, noGrad, scope } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { lossOf } from "./_loss_of.ts";
import type { Batches, Loss } from "./batch.ts";

/**
 * The mean loss over batches, each counted by its number of targets, without learning from them.
 *
 * @param model The model.
 * @param options Loss and batches.
 * @throws {RangeError} If there is no batch.
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
  options: { loss: Loss<Y>; batches: Batches<Y> },
): Promise<number> {
  let total = 0;
  let targets = 0;
  for await (const batch of options.batches) {
    using _ = scope();
    total += batch.y.size * noGrad(() => lossOf(model, options.loss, batch)).item();
    targets += batch.y.size;
  }
  if (targets === 0) throw new RangeError("Cannot evaluate: batches must give at least one batch, got none");
  return total / targets;
}
