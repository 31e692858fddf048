import {
  type NamedParameters,
  type PackedParameters,
  packParameters,
  type SafetensorsInput,
  type Slab,
} from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkCounts } from "@unfold/core/support";
import { checkPlugins, entriesOf, type HostedPlugin, hostPlugins, takeEntries } from "./_hosting.ts";
import { Partition } from "./partition.ts";
import type { PluginEntry, Schedule } from "./plugin.ts";

/** Options for {@linkcode Optimizer}. */
export interface OptimizerOptions {
  /** The learning rate: a number, or a schedule. */
  learningRate: number | Schedule;
  /**
   * The number of backward passes per step, which uses the mean of their gradients: for a batch in several parts.
   *
   * @default {1}
   */
  accumulate?: number;
}

/** The saved state of an optimizer: arrays by name. */
export type OptimizerState = ReadonlyMap<string, SafetensorsInput>;

/** The scalars in a saved state. */
const COUNTS = ["steps", "skippedSteps", "skippedInARow", "accumulated", "learningRateScale"] as const;
type Counts = Record<typeof COUNTS[number], number>;

/**
 * Hosts plugins: packs the parameters into one slab, calls the plugins on it in order, and owns their state.
 *
 * @typeParam Label The names of the groups of a {@linkcode Partition}.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adam, clipByGlobalNorm, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([3]);
 * const optimizer = new Optimizer({ weight }, [clipByGlobalNorm(1), adam()], { learningRate: 1e-3 });
 * weight.grad.data.fill(5);
 * optimizer.step();
 * assert.equal(optimizer.steps, 1);
 * assert.ok(Math.abs(weight.data[0]! + 1e-3) < 1e-8);
 * assert.equal(weight.grad.data[0], 0);
 * ```
 */
export class Optimizer<Label extends string = string> {
  readonly #parameters: NamedParameters;
  readonly #packed: PackedParameters;
  readonly #plugins: readonly HostedPlugin[];
  readonly #schedule: Schedule;
  readonly #accumulate: number;
  #counts: Counts = { steps: 0, skippedSteps: 0, skippedInARow: 0, accumulated: 0, learningRateScale: 1 };
  /** The slot that is swapped in for the parameters, if any. */
  #swapped: { readonly slot: string } | undefined;

  /**
   * Takes over the parameters.
   *
   * @param parameters The parameters by name, such as `model.parameters()`, or a {@linkcode Partition}. They move into one slab.
   * @param plugins Gradient transforms and a rule, in the order in which they run.
   * @throws {TypeError} If there is no plugin, an entry is not a plugin, a group does not exist, or two plugins of a parameter
   * have the same name.
   * @throws {RangeError} If the learning rate is negative or not finite, or `accumulate` is not an integer of 1 or more.
   */
  constructor(
    parameters: NamedParameters | Partition<Label>,
    plugins: readonly PluginEntry<Label>[],
    options: OptimizerOptions,
  ) {
    const { learningRate, accumulate = 1 } = options;
    checkCounts("make an Optimizer", { accumulate });
    const groups = parameters instanceof Partition ? parameters.groups : { "": parameters };
    checkPlugins(plugins, parameters instanceof Partition ? Object.keys(groups) : []);
    this.#schedule = typeof learningRate === "function" ? learningRate : () => learningRate;
    this.#accumulate = accumulate;
    this.#rateOf(1);
    this.#parameters = Object.assign({}, ...Object.values<NamedParameters>(groups));
    this.#packed = packParameters(this.#parameters);
    this.#plugins = hostPlugins(plugins, this.#packed, groups);
  }

  /** The number of steps taken. */
  get steps(): number {
    return this.#counts.steps;
  }

  /** The number of steps dropped by a plugin. */
  get skippedSteps(): number {
    return this.#counts.skippedSteps;
  }

  /** Whether a plugin drops steps whose gradients are not finite. */
  get skipsNonFinite(): boolean {
    return this.#plugins.some(({ plugin }) => plugin.skipsNonFinite ?? false);
  }

  /** The learning rate of the last step, or of the first before any, with the current {@linkcode Optimizer.learningRateScale}. */
  get learningRate(): number {
    return this.#rateOf(Math.max(1, this.#counts.steps));
  }

  /**
   * A factor on the schedule's rate, 1 at first, for rates that depend on the course of training.
   *
   * @throws {RangeError} If set to anything but a finite number of 0 or more.
   */
  get learningRateScale(): number {
    return this.#counts.learningRateScale;
  }

  set learningRateScale(scale: number) {
    if (!(scale >= 0 && scale < Infinity)) {
      throw new RangeError(
        `Cannot scale the learning rate: learningRateScale must be a finite number of 0 or more, got ${scale}`,
      );
    }
    this.#counts.learningRateScale = scale;
  }

  /** All parameters and gradients as two flat arrays, for passes over all of them at once. */
  get slab(): Slab {
    return this.#packed.slab;
  }

  /** Whether the next call of {@linkcode Optimizer.step} takes a step instead of only accumulating. */
  get completesStep(): boolean {
    return this.#counts.accumulated + 1 >= this.#accumulate;
  }

  #rateOf(step: number): number {
    const rate = this.#schedule(step);
    if (!(typeof rate === "number" && rate >= 0 && rate < Infinity)) {
      throw new RangeError(
        `Cannot take step ${step}: the learning rate must be a finite number of 0 or more, got ${rate}`,
      );
    }
    return rate * this.#counts.learningRateScale;
  }

  #checkOwned(doing: string): void {
    if (this.#swapped !== undefined) {
      throw new ReferenceError(
        `Cannot ${doing}: ${this.#swapped.slot} is swapped in for the parameters; dispose the swap first`,
      );
    }
    for (const [name, parameter] of Object.entries(this.#parameters)) {
      if (parameter.slab === this.#packed.slab) continue;
      throw new ReferenceError(`Cannot ${doing}: ${name} now belongs to a later optimizer`);
    }
  }

  /**
   * Takes one step: runs the plugins on the gradients from `backward()`, then sets the gradients to 0. With `accumulate: k`, only
   * every k-th call takes a step.
   *
   * @throws {ReferenceError} If another optimizer has taken over the parameters, or a {@linkcode Optimizer.swap} is active.
   */
  step(): void {
    this.#checkOwned("step");
    const { slab } = this.#packed;
    const step = this.#counts.steps + 1;
    const learningRate = this.#rateOf(step);
    if (!this.completesStep) {
      this.#counts.accumulated++;
      return;
    }
    const { byteOffset, length } = slab.grads;
    if (this.#accumulate > 1) coreKernels.affine(byteOffset, byteOffset, length, 1 / this.#accumulate, 0);
    let skipped = false;
    const { skippedInARow } = this.#counts;
    const info = { step, learningRate, skippedInARow, skip: () => void (skipped = true) };
    for (const hosted of this.#plugins) {
      hosted.update(slab, info);
      if (skipped) break;
    }
    this.#counts[skipped ? "skippedSteps" : "steps"]++;
    this.#counts.skippedInARow = skipped ? skippedInARow + 1 : 0;
    this.zeroGrad();
  }

  /** Sets all gradients to 0 and drops accumulated backward passes. A step does so itself. */
  zeroGrad(): void {
    this.#counts.accumulated = 0;
    this.#packed.slab.grads.fill(0);
  }

  /**
   * The Euclidean norm of the current gradients. NaN or infinite if any of them is.
   *
   * @example
   * ```ts
   * import { Parameter } from "@unfold/core";
   * import { Optimizer, sgd } from "@unfold/optimizers";
   * import assert from "node:assert/strict";
   *
   * const weight = new Parameter([2]);
   * const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1 });
   * weight.grad.data.set([3, 4]);
   * assert.equal(optimizer.gradientNorm, 5);
   * ```
   */
  get gradientNorm(): number {
    const { grads } = this.#packed.slab;
    return Math.sqrt(coreKernels.sumOfSquares(grads.byteOffset, grads.length));
  }

  /**
   * Swaps a slot, such as averages, in for the parameters until the returned object is disposed.
   *
   * @param plugin The plugin's name.
   * @param slot The slot's name.
   * @throws {ReferenceError} If there is no such slot, as before the first step, or a swap is already active.
   *
   * @example
   * ```ts
   * import { Parameter } from "@unfold/core";
   * import { ema, Optimizer, sgd } from "@unfold/optimizers";
   * import assert from "node:assert/strict";
   *
   * const weight = new Parameter([1]);
   * const optimizer = new Optimizer({ weight }, [sgd(), ema({ decay: 0.5 })], { learningRate: 1 });
   * for (let step = 0; step < 2; step++) {
   *   weight.grad.data.fill(-1);
   *   optimizer.step();
   * }
   * {
   *   using _ = optimizer.swap("ema", "average");
   *   assert.equal(weight.item(), 1.5);
   * }
   * assert.equal(weight.item(), 2);
   * ```
   */
  swap(plugin: string, slot: string): Disposable {
    this.#checkOwned("swap");
    const own = this.#plugins.filter((hosted) => hosted.plugin.name === plugin);
    const exchange = () => own.map((hosted) => hosted.swap(this.#packed.slab, slot)).includes(true);
    if (!exchange()) {
      throw new ReferenceError(
        `Cannot swap: plugin ${plugin} must have a slot ${slot}, which exists after the first step`,
      );
    }
    const swapped = this.#swapped = { slot: `${plugin}.${slot}` };
    return {
      [Symbol.dispose]: () => {
        if (this.#swapped !== swapped) return;
        this.#swapped = undefined;
        this.#checkOwned("swap back");
        exchange();
      },
    };
  }

  /**
   * The state that a later run needs to continue exactly: `steps` and other counts, and for each slot one entry per parameter,
   * `<plugin>.<slot>/<parameter>`.
   *
   * @throws {ReferenceError} If a {@linkcode Optimizer.swap} is active.
   *
   * @example
   * ```ts
   * import { Parameter } from "@unfold/core";
   * import { Optimizer, sgd } from "@unfold/optimizers";
   * import assert from "node:assert/strict";
   *
   * const optimizer = new Optimizer({ weight: new Parameter([3]) }, [sgd({ momentum: 0.9 })], { learningRate: 1e-3 });
   * optimizer.step();
   * const state = optimizer.state();
   * assert.deepEqual(state.get("sgd.velocity/weight")?.shape, [3]);
   * assert.deepEqual(state.get("steps")?.data, Float64Array.of(1));
   * ```
   */
  state(): OptimizerState {
    this.#checkOwned("save the state");
    const { slab, segments } = this.#packed;
    return new Map<string, SafetensorsInput>([
      ...COUNTS.map((name) => [name, { shape: [], data: Float64Array.of(this.#counts[name]) }] as const),
      ...this.#counts.accumulated > 0 ? entriesOf(segments, "gradients/", slab.grads) : [],
      ...this.#plugins.flatMap((hosted) => hosted.state()),
    ]);
  }

  /**
   * Restores a saved {@linkcode Optimizer.state}.
   *
   * @throws {TypeError} If entries are missing, unexpected or of another shape. The message lists them all; nothing changes.
   * @throws {ReferenceError} If a {@linkcode Optimizer.swap} is active.
   */
  load(state: OptimizerState): void {
    this.#checkOwned("load");
    const entries = new Map(state);
    const problems: string[] = [];
    const counts = Object.fromEntries(COUNTS.map((name) => {
      const value = Number(entries.get(name)?.data[0]);
      const valid = value >= 0 && value < Infinity && (name === "learningRateScale" || Number.isSafeInteger(value));
      if (!entries.delete(name)) problems.push(`${name} is missing`);
      else if (!valid) problems.push(`${name} must be a number of 0 or more, got ${value}`);
      return [name, value];
    })) as Counts;
    const { slab, segments } = this.#packed;
    const gradients = counts.accumulated > 0
      ? takeEntries(entries, "gradients/", { length: slab.length, segments }, problems)
      : undefined;
    if (counts.accumulated >= this.#accumulate) {
      problems.push(`accumulated must be below ${this.#accumulate}, got ${counts.accumulated}`);
    }
    const commits = this.#plugins.map((hosted) => hosted.load(entries, problems, counts.steps > 0));
    for (const name of entries.keys()) problems.push(`${name} belongs to no plugin and parameter`);
    if (problems.length > 0) throw new TypeError(`Cannot load the optimizer: ${problems.join("; ")}`);
    for (const commit of commits) commit();
    this.zeroGrad();
    this.#counts = counts;
    if (gradients !== undefined) slab.grads.set(gradients);
  }
}
