import { checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode ema}. */
export interface EmaOptions {
  /**
   * How much of the average is kept at each step, d.
   *
   * @default {0.999}
   */
  decay?: number;
}

/**
 * Keeps an exponential moving average of the parameters: a ← p at the first step, then a ← d·a + (1 − d)·p (Polyak and
 * Juditsky, 1992). It stands after the rule, and changes no parameter; `optimizer.swap("ema", "average")` puts the averages in
 * their place, to evaluate or save them.
 *
 * @throws {RangeError} If the decay does not lie in [0, 1).
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adam, ema, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [adam(), ema()], { learningRate: 0.5 });
 * for (let step = 0; step < 3; step++) {
 *   weight.grad.data.fill(1);
 *   optimizer.step();
 * }
 * {
 *   using _ = optimizer.swap("ema", "average");
 *   assert.ok(weight.item() > -0.51);
 * }
 * assert.ok(weight.item() < -1.49);
 * ```
 */
export function ema(options: EmaOptions = {}): OptimizerPlugin {
  const { decay = 0.999 } = options;
  checkRange("ema", "decay", decay, 0, 1);
  return {
    name: "ema",
    update({ params, slot }, { step }) {
      const average = slot("average");
      if (step === 1) average.set(params);
      else kernels.blend(average.byteOffset, params.byteOffset, params.length, 1 - decay);
    },
  };
}
