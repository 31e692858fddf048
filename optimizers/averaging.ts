import { checkCounts, describe } from "@unfold/core/support";
import { checkFraction, checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode ema}. */
export interface EmaOptions {
  /**
   * The fraction of the average that is kept at each step, d.
   *
   * @default {0.999}
   */
  decay?: number;
}

/**
 * Keeps an exponential moving average of the parameters: a ← p at the first step, then a ← d·a + (1 − d)·p (Polyak and
 * Juditsky, 1992). List it after the rule. It changes no parameter; `optimizer.swap("ema", "average")` swaps the averages in,
 * to evaluate or save them.
 *
 * @throws {RangeError} If the decay is not in [0, 1).
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
    runs: "after",
    update({ params, slot }, { step }) {
      const average = slot("average");
      if (step === 1) average.set(params);
      else kernels.blend(average.byteOffset, params.byteOffset, params.length, 1 - decay);
    },
  };
}

/** Options for {@linkcode lookahead}; defaults as in the paper. */
export interface LookaheadOptions {
  /**
   * The steps of the rule per update of the slow weights, k.
   *
   * @default {5}
   */
  every?: number;
  /**
   * The fraction of the way that the slow weights move towards the fast ones, α.
   *
   * @default {0.5}
   */
  alpha?: number;
}

/**
 * Runs a rule k steps ahead, then goes back part of the way: after every k steps, s ← s + α·(p − s) and p ← s, where s are the
 * parameters before those steps (Zhang et al., 2019).
 *
 * @param rule The rule, such as `adam()`.
 * @throws {TypeError} If the rule is not a plugin, or runs before or after a rule.
 * @throws {RangeError} If k is not an integer of 1 or more, or α is not in [0, 1].
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { lookahead, Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [lookahead(sgd(), { every: 2 })], { learningRate: 1 });
 * for (let step = 0; step < 2; step++) {
 *   weight.grad.data.fill(-1);
 *   optimizer.step();
 * }
 * assert.equal(weight.item(), 1);
 * ```
 */
export function lookahead(rule: OptimizerPlugin, options: LookaheadOptions = {}): OptimizerPlugin {
  const { every = 5, alpha = 0.5 } = options;
  if (typeof rule?.update !== "function") {
    throw new TypeError(`Cannot make lookahead: rule must be a plugin, such as adam(), got ${describe(rule)}`);
  }
  if (rule.runs !== undefined) {
    throw new TypeError(
      `Cannot make lookahead: rule must be a rule, such as adam(), got ${rule.name}, which runs ${rule.runs} a rule`,
    );
  }
  checkCounts("make lookahead", { every });
  checkFraction("lookahead", "alpha", alpha);
  return {
    ...rule,
    name: "lookahead",
    update(group, info) {
      const { params } = group;
      const slow = group.slot("slow");
      if (info.step === 1) slow.set(params);
      let skipped = false;
      const skip = () => {
        skipped = true;
        info.skip();
      };
      rule.update({ ...group, slot: (name) => group.slot(`${rule.name}.${name}`) }, { ...info, skip });
      if (skipped || info.step % every > 0) return;
      kernels.blend(slow.byteOffset, params.byteOffset, params.length, alpha);
      params.set(slow);
    },
  };
}
