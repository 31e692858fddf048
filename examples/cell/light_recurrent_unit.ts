/**
 * The light recurrent unit, a cell for Unfold in plain loops.
 *
 * @module
 */

import type { Tensor } from "@unfold/core";
import { type Cell, defineCell, type LayerArchitecture, Recurrent, type RecurrentOptions } from "@unfold/layers";

const cell: Cell = defineCell({
  name: "LightRecurrentUnit",
  // f = σ(x·U_f + h·W_f + b_f), with a bias of −1 at first, and n = tanh(x·Uₙ + bₙ): the layer computes both.
  gates: { forget: { activation: "sigmoid", bias: -1 }, candidate: { activation: "tanh", of: "input" } },
  states: ["hidden"],
  // h ← (1 − f) ⊙ h + f ⊙ n
  forward({ size, gates, before, after }) {
    const [f, n, h, next] = [gates.forget.data, gates.candidate.data, before.hidden.data, after.hidden.data];
    for (let i = 0; i < size; i++) next[i] = h[i]! + f[i]! * (n[i]! - h[i]!);
  },
  backward({ size, gates, before, dAfter, dGates, dBefore }) {
    const [f, n, h] = [gates.forget.data, gates.candidate.data, before.hidden.data];
    const [d, df, dn, dh] = [dAfter.hidden.data, dGates.forget.data, dGates.candidate.data, dBefore.hidden.data];
    for (let i = 0; i < size; i++) {
      df[i] = d[i]! * (n[i]! - h[i]!);
      dn[i] = d[i]! * f[i]!;
      dh[i]! += d[i]! * (1 - f[i]!);
    }
  },
});

/**
 * The light recurrent unit (Ye et al., 2024): f = σ(x·U_f + h·W_f + b_f) and n = tanh(x·Uₙ + bₙ), then h ← (1 − f) ⊙ h + f ⊙ n, and
 * h is the output. U and b hold f and n side by side; W has the columns of f alone.
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import { LightRecurrentUnit } from "@example/light-recurrent-unit";
 * import assert from "node:assert/strict";
 *
 * const layer = new LightRecurrentUnit({ inputSize: 3, hiddenSize: 4, bidirectional: true });
 * assert.deepEqual(layer.forward(zeros([2, 5, 3])).shape, [2, 5, 8]);
 * ```
 */
export class LightRecurrentUnit extends Recurrent<{ readonly hidden: Tensor }> {
  /** Creates the layer and initializes its weights. */
  constructor(options: RecurrentOptions) {
    super(cell, options);
  }

  /** The options, except those about initial weights. */
  architecture(): LayerArchitecture {
    return this.describe(LightRecurrentUnit, { type: "LightRecurrentUnit" });
  }
}
