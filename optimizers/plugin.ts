import type { Segment } from "@unfold/core";

/** The data of a plugin: flat arrays over all parameters, or over those of one group. */
export interface ParameterGroup {
  /** The parameters. Valid during the call. */
  readonly params: Float32Array<ArrayBuffer>;
  /** Their gradients. Valid during the call. A plugin may change them for the plugins after it. */
  readonly grads: Float32Array<ArrayBuffer>;
  /** The name, shape and offset of each parameter in the flat arrays. */
  readonly segments: readonly Segment[];
  /**
   * A state array of the parameters' length, 0 at first, which the host owns, saves and restores. Valid during the call. Request
   * every slot at every step: a slot that is missing from a loaded state is an error.
   *
   * @param name Its name, unique within the plugin and without "/".
   */
  slot(name: string): Float32Array<ArrayBuffer>;
}

/** Information about the step. */
export interface UpdateInfo {
  /** The step's number; the first is 1. Steps in which the plugin's group was frozen do not count. */
  readonly step: number;
  /** The learning rate of this step. */
  readonly learningRate: number;
  /** The number of dropped steps since the last step taken. */
  readonly skippedInARow: number;
  /** Drops the step: the plugins after this one do not run, the gradients are set to 0, and the step is not counted. */
  skip(): void;
}

/**
 * An optimizer plugin: a rule that changes the parameters, or something that runs before or after a rule, as
 * {@linkcode OptimizerPlugin.runs} says.
 *
 * @example A complete plugin, as a third-party module would write it
 * ```ts
 * import type { OptimizerPlugin } from "@unfold/optimizers";
 * import { Parameter } from "@unfold/core";
 * import { Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * function signSgd(): OptimizerPlugin {
 *   return {
 *     name: "signSgd",
 *     update({ params, grads }, { learningRate }) {
 *       for (let i = 0; i < params.length; i++) params[i]! -= learningRate * Math.sign(grads[i]!);
 *     },
 *   };
 * }
 *
 * const weight = new Parameter([2]);
 * const optimizer = new Optimizer({ weight }, [signSgd()], { learningRate: 0.5 });
 * weight.grad.data.set([3, -4]);
 * optimizer.step();
 * assert.deepEqual(weight.toArray(), [-0.5, 0.5]);
 * ```
 */
export interface OptimizerPlugin {
  /** The name of the plugin, and of its state in checkpoints. Must not contain "." or "/". */
  readonly name: string;
  /**
   * `"before"` for a plugin that runs before the rule and changes the gradients, such as clipping; `"after"` for one that runs
   * after it and sees the new parameters, such as averaging. Without it, the plugin is the rule: every parameter that is trained
   * has exactly one.
   *
   * @default {the plugin is the rule}
   */
  readonly runs?: "before" | "after";
  /**
   * Whether the plugin drops steps with non-finite gradients, so that a training loop need not stop for them. It must then be
   * the first plugin and act on all parameters.
   *
   * @default {false}
   */
  readonly skipsNonFinite?: boolean;
  /** Runs one step. */
  update(group: ParameterGroup, info: UpdateInfo): void;
}

/**
 * A plugin for all parameters, or plugins by group. A group without a rule is frozen.
 *
 * @typeParam Label The names of the groups.
 */
export type PluginEntry<Label extends string = string> =
  | OptimizerPlugin
  | {
    readonly [Name in Label]?: OptimizerPlugin;
  };

/** The learning rate as a pure function of the step; the first step is 1. */
export type Schedule = (step: number) => number;
