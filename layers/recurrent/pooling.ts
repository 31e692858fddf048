import { formatShape, gather, type NamedParameters, reshape, slice, type Tensor, tensor } from "@unfold/core";
import { checkLengths, checkShape } from "../_check.ts";
import type { ForwardOptions, Layer } from "../layer.ts";

/**
 * The last time step of a sequence: [batch, time, features] → [batch, features], between a recurrent layer and what
 * predicts once a sequence.
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
  /** Nothing is learned. */
  parameters(): NamedParameters {
    return {};
  }

  /**
   * Takes the last step.
   *
   * @param x [batch, time, features], at least one time step.
   * @returns [batch, features].
   * @throws {TypeError} If x has other axes, or the lengths are not one for each sequence.
   * @throws {RangeError} If a length is no integer from 1 to time.
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
