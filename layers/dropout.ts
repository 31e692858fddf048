import { dropout, isGradEnabled, type NamedParameters, Random, type Tensor } from "@unfold/core";
import { describe } from "@unfold/core/support";
import { architectureFor } from "./_architecture.ts";
import type { Layer, LayerArchitecture } from "./layer.ts";

/** Options for {@linkcode Dropout}. */
export interface DropoutLayerOptions {
  /** The probability that an element becomes 0: at least 0, less than 1. */
  rate: number;
  /**
   * Draws the elements to drop; pass a seeded one for reproducible runs.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/**
 * {@linkcode dropout} as a layer. It is active while the tape is on, whether or not x needs a gradient: everywhere except under
 * `noGrad`, in `predict` and in `evaluate`.
 *
 * @example
 * ```ts
 * import { noGrad, tensor } from "@unfold/core";
 * import { Dropout } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const layer = new Dropout({ rate: 0.5 });
 * assert.deepEqual(noGrad(() => layer.forward(tensor([1, 2]))).toArray(), [1, 2]);
 * ```
 */
export class Dropout implements Layer {
  /** The probability that an element becomes 0. */
  readonly rate: number;
  readonly #random: Random;

  /**
   * Creates the layer.
   *
   * @throws {RangeError} If the rate is not in [0, 1).
   */
  constructor({ rate, random = Random.arbitrary() }: DropoutLayerOptions) {
    if (!(rate >= 0 && rate < 1)) {
      throw new RangeError(`Cannot make Dropout: rate must be at least 0 and below 1, got ${describe(rate)}`);
    }
    this.rate = rate;
    this.#random = random;
  }

  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /** Drops elements of x while the tape is on; returns x otherwise. */
  forward(x: Tensor): Tensor {
    if (this.rate === 0 || !isGradEnabled()) return x;
    return dropout(x, { rate: this.rate, random: this.#random });
  }

  /** `rate`. */
  architecture(): LayerArchitecture {
    return architectureFor(this, Dropout, { type: "Dropout", rate: this.rate });
  }
}
