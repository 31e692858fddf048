import type { Segment } from "@unfold/core";

/** What a plugin works on: flat arrays over all parameters, or over those of one group. */
export interface ParameterGroup {
  /** The parameters; valid for this call. */
  readonly params: Float32Array<ArrayBuffer>;
  /** Their gradients; valid for this call. A plugin may rewrite them for the plugins after it. */
  readonly grads: Float32Array<ArrayBuffer>;
  /** Name, shape and place of each parameter in the flat arrays. */
  readonly segments: readonly Segment[];
  /**
   * A state array of the parameters' length, 0 at first, which the host owns, saves and restores; valid for this call. Ask
   * for every slot at every step: after a restart, one that was not saved is an error.
   *
   * @param name Its name, unique within the plugin and without "/".
   */
  slot(name: string): Float32Array<ArrayBuffer>;
}

/** What a plugin is told about the step. */
export interface UpdateInfo {
  /** The step's number; the first is 1. */
  readonly step: number;
  /** The learning rate of this step. */
  readonly learningRate: number;
  /** How many steps have been dropped since the last one that was taken. */
  readonly skippedInARow: number;
  /** Drops the step: the plugins after this one do not run, the gradients are set to 0, and the step is not counted. */
  skip(): void;
}

/**
 * An optimizer plugin: a rule that changes the parameters, or a transform of the gradients before one.
 *
 * @example A complete plugin, as somebody else's module would write it
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
 * weight.grad.data.set([3, -4]);
 * new Optimizer({ weight }, [signSgd()], { learningRate: 0.5 }).step();
 * assert.deepEqual(weight.toArray(), [-0.5, 0.5]);
 * ```
 */
export interface OptimizerPlugin {
  /** Names the plugin's state in checkpoints: without "." and "/". */
  readonly name: string;
  /**
   * Whether the plugin drops steps whose gradients are not finite, so that a training loop need not stop for them. It must
   * then be the first, and act on all parameters.
   *
   * @default {false}
   */
  readonly skipsNonFinite?: boolean;
  /** Carries out one step. */
  update(group: ParameterGroup, info: UpdateInfo): void;
}

/**
 * A plugin for all parameters, or plugins for groups by their names; a group that is not named is left alone.
 *
 * @typeParam Label The names of the groups.
 */
export type PluginEntry<Label extends string = string> =
  | OptimizerPlugin
  | {
    readonly [Name in Label]?: OptimizerPlugin;
  };

/** The learning rate of each step, as a pure function of its 1-based number. */
export type Schedule = (step: number) => number;
