import { formatShape, gather, type NamedParameters, reshape, slice, type Tensor, tensor } from "@unfold/core";
import { checkLengths, checkShape } from "../_check.ts";
import type { ForwardOptions, Layer } from "../layer.ts";

/**
 * The last time step of each sequence: [batch, time, features] → [batch, features]. Put it after a recurrent layer to predict
 * once per sequence.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { LastStep } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[[1], [2]], [[3], [4]]]);
 * assert.deepEqual(new LastStep().forward(x).toArray(), [[2], [4]]);
 * assert.deepEqual(new LastStep().forward(x, { lengths: [1, 2] }).toArray(), [[1], [4]]);
 * ```
 */
export class LastStep implements Layer {
  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /**
   * Takes the last time step.
   *
   * @param x [batch, time, features], at least one time step.
   * @returns [batch, features].
   * @throws {TypeError} If x has other axes or no time step, or the number of lengths differs from the batch.
   * @throws {RangeError} If a length is not an integer from 1 to time.
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    const doing = "take the last step";
    checkShape(doing, "x", x, { batch: undefined, time: undefined, features: undefined });
    const [batch, time, features] = x.shape as [number, number, number];
    if (time < 1) {
      throw new TypeError(`Cannot ${doing}: x must have at least one time step, got ${formatShape(x.shape)}`);
    }
    const { lengths } = options;
    if (lengths === undefined) return reshape(slice(x, { axis: 1, start: time - 1 }), [batch, features]);
    checkLengths(doing, lengths, { batch, time, least: 1 });
    const rows = lengths.map((length, row) => row * time + length - 1);
    return gather(reshape(x, [batch * time, features]), tensor(rows, { dtype: "i32" }));
  }
}
