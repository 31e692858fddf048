import { type NamedParameters, reshape, slice, type Tensor } from "@unfold/core";
import { checkShape } from "./_check.ts";
import type { Layer } from "./layer.ts";

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
 * assert.deepEqual(new LastStep().forward(tensor([[[1], [2]], [[3], [4]]])).toArray(), [[2], [4]]);
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
   * @throws {TypeError} If x has other axes.
   */
  forward(x: Tensor): Tensor {
    checkShape("take the last step", "x", x, { batch: undefined, time: undefined, features: undefined });
    const [batch, time, features] = x.shape as [number, number, number];
    return reshape(slice(x, { axis: 1, start: time - 1 }), [batch, features]);
  }
}
