import {
  type NamedParameters,
  type PackedParameters,
  packParameters,
  type Parameter,
  type SafetensorsInput,
  type Slab,
} from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkCounts, checkParameters, describe, joined, printable } from "@unfold/core/support";
import { checkPlugins, entriesOf, type Group, type HostedPlugin, hostPlugins, takeEntries } from "./_hosting.ts";
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
  /**
   * Whether to take over parameters that belong to an earlier optimizer, which then refuses to step. Without it that is an error;
   * {@linkcode Optimizer.dispose} of the earlier one is the other way.
   *
   * @default {false}
   */
  takeOver?: boolean;
}

/** The saved state of an optimizer: arrays by name. */
export type OptimizerState = ReadonlyMap<string, SafetensorsInput>;

/** The scalars in a saved state. */
const COUNTS = ["steps", "skippedSteps", "skippedInARow", "accumulated", "learningRateScale"] as const;
type Counts = Record<typeof COUNTS[number], number>;

/** What an optimizer and its parameters share: how its ownership of them ended, if it has. */
interface Ownership {
  ended: string | undefined;
}

/** The optimizer that each parameter belongs to. It does not keep an optimizer alive, nor depend on whether one is collected. */
const owners = new WeakMap<Parameter, Ownership>();

/**
 * Hosts plugins: packs the parameters into one slab, calls the plugins on it in order, and owns their state.
 *
 * A parameter belongs to one optimizer at a time. Another optimizer over it is refused until the first is disposed, or takes the
 * parameter over with `takeOver: true`.
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
export class Optimizer<Label extends string = string> implements Disposable {
  readonly #parameters: readonly Parameter[];
  readonly #ownership: Ownership = { ended: undefined };
  readonly #packed: PackedParameters;
  readonly #plugins: readonly HostedPlugin[];
  readonly #groups: readonly Group[];
  readonly #schedule: Schedule;
  readonly #accumulate: number;
  #counts: Counts = { steps: 0, skippedSteps: 0, skippedInARow: 0, accumulated: 0, learningRateScale: 1 };
  /** The slot that is swapped in for the parameters, if any. */
  #swapped: { readonly slot: string; readonly end: () => void } | undefined;

  /**
   * Takes charge of the parameters, and sets their gradients to 0.
   *
   * @param parameters The parameters by name, such as `model.parameters()`, or a {@linkcode Partition}. They move into one slab. A
   * parameter with several names counts once, under the first.
   * @param plugins Gradient transforms, a rule, and what runs after it, in this order. With a {@linkcode Partition}, an entry may be
   * plugins by group; each group has at most one rule, and a group without a rule is frozen.
   * @throws {TypeError} If `parameters` is a model, an entry is not a plugin, a group does not exist, there is no rule or more than
   * one, a plugin is on the wrong side of the rule, or two plugins of a parameter have the same name.
   * @throws {RangeError} If the learning rate is negative or not finite, or `accumulate` is not an integer of 1 or more.
   * @throws {ReferenceError} If a parameter belongs to another optimizer.
   */
  constructor(
    parameters: NamedParameters | Partition<Label>,
    plugins: readonly PluginEntry<NoInfer<Label>>[],
    options: OptimizerOptions,
  ) {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`Cannot make an Optimizer: options must be { learningRate }, got ${describe(options)}`);
    }
    const { learningRate, accumulate = 1, takeOver = false } = options;
    checkCounts("make an Optimizer", { accumulate });
    const groups = parameters instanceof Partition ? parameters.groups : { "": parameters };
    if (!(parameters instanceof Partition)) checkParameters("make an Optimizer", parameters);
    checkPlugins(plugins, parameters instanceof Partition ? Object.keys(groups) : []);
    this.#schedule = typeof learningRate === "function" ? learningRate : () => learningRate;
    this.#accumulate = accumulate;
    this.#rateOf(1);
    const named: NamedParameters = Object.assign({}, ...Object.values<NamedParameters>(groups));
    this.#parameters = [...new Set(Object.values(named))];
    const earlier = this.#earlierOwners(named, takeOver);
    this.#packed = packParameters(named);
    const { hosted, groups: hostedGroups } = hostPlugins(plugins, this.#packed, groups);
    this.#plugins = hosted;
    this.#groups = hostedGroups;
    for (const owner of earlier) owner.ended = "a later optimizer took over its parameters";
    for (const parameter of this.#parameters) owners.set(parameter, this.#ownership);
    this.zeroGrad();
  }

  /** The ownerships that end if this optimizer takes over; throws unless it may. */
  #earlierOwners(parameters: NamedParameters, takeOver: boolean): Set<Ownership> {
    const earlier = new Set<Ownership>();
    for (const [name, parameter] of Object.entries(parameters)) {
      const owner = owners.get(parameter);
      if (owner === undefined || owner.ended !== undefined) continue;
      if (!takeOver) {
        throw new ReferenceError(
          `Cannot make an Optimizer: ${name} must belong to one optimizer, but an earlier one has it; dispose() that one ` +
            "first, or replace it with { takeOver: true }",
        );
      }
      earlier.add(owner);
    }
    return earlier;
  }

  /**
   * Lets go of the parameters, which another optimizer can then take, and frees the state. Ends a {@linkcode Optimizer.swap}. The
   * optimizer cannot be used afterwards.
   */
  dispose(): void {
    if (this.#ownership.ended !== undefined) return;
    this.#swapped?.end();
    this.#ownership.ended = "it was disposed";
    for (const hosted of this.#plugins) hosted.release();
  }

  /** The same as {@linkcode Optimizer.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
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
    if (this.#ownership.ended !== undefined) {
      throw new ReferenceError(`Cannot ${doing}: the optimizer must own its parameters, but ${this.#ownership.ended}`);
    }
    const { slab, segments } = this.#packed;
    for (let i = 0; i < this.#parameters.length; i++) {
      if (this.#parameters[i]!.slab === slab) continue;
      const { name } = segments[i]!;
      throw new ReferenceError(
        `Cannot ${doing}: ${name} must stay where the optimizer packed it, but packParameters() moved it; make the ` +
          "optimizer after that",
      );
    }
  }

  #groupOf(doing: string, label: Label): Group {
    const group = this.#groups.find((one) => one.label === label);
    if (group !== undefined && label !== "") return group;
    const known = this.#groups.map((one) => one.label).filter((name) => name !== "").join(", ");
    throw new TypeError(
      `Cannot ${doing} ${describe(label)}: it must be a group of the optimizer (${known || "there are none"}); ` +
        "make groups with partition()",
    );
  }

  /**
   * Freezes a group from the next step on: its parameters and its state stay as they are, no weight decay acts on it, and its
   * gradients do not count for clipping and norms. Its own count of steps rests too. Freezing is part of the saved state.
   *
   * @throws {TypeError} If there is no such group, or all groups would be frozen.
   *
   * @example A head is trained alone, then with the encoder
   * ```ts
   * import { Parameter } from "@unfold/core";
   * import { adam, Optimizer, partition } from "@unfold/optimizers";
   * import assert from "node:assert/strict";
   *
   * const parameters = { "encoder.weight": new Parameter([1]), "head.weight": new Parameter([1]) };
   * const groups = partition(parameters, (name) => name.startsWith("encoder.") ? "encoder" : "head");
   * const optimizer = new Optimizer(groups, [adam()], { learningRate: 0.1 });
   * const step = () => {
   *   for (const { grad } of Object.values(parameters)) grad.data.fill(1);
   *   optimizer.step();
   * };
   * optimizer.freeze("encoder");
   * step();
   * assert.equal(parameters["encoder.weight"].item(), 0);
   * optimizer.unfreeze("encoder");
   * step();
   * assert.ok(parameters["encoder.weight"].item() < -0.09);
   * ```
   */
  freeze(label: Label): void {
    this.#checkOwned("freeze");
    const group = this.#groupOf("freeze", label);
    if (this.#groups.every((one) => one.frozen || one === group)) {
      throw new TypeError(`Cannot freeze ${describe(label)}: a group must be left to train, got all of them frozen`);
    }
    group.frozen = true;
  }

  /**
   * Trains a frozen group again, with the state that it had.
   *
   * @throws {TypeError} If there is no such group, or it has no rule.
   */
  unfreeze(label: Label): void {
    this.#checkOwned("unfreeze");
    const group = this.#groupOf("unfreeze", label);
    if (!group.hasRule) {
      throw new TypeError(
        `Cannot unfreeze ${describe(label)}: the group must have a rule, such as adam(), got none; give it one in ` +
          "the plugins, and freeze() it until it is to train",
      );
    }
    group.frozen = false;
  }

  /** The names of the frozen groups. */
  get frozen(): readonly Label[] {
    return this.#groups.filter(({ frozen }) => frozen).map(({ label }) => label as Label);
  }

  /** Sets the gradients of frozen groups to 0, so that they count for nothing. */
  #clearFrozen(): void {
    for (const { frozen, stretch: { start, length } } of this.#groups) {
      if (frozen) this.#packed.slab.grads.fill(0, start, start + length);
    }
  }

  /**
   * Takes one step: runs the plugins on the gradients from `backward()`, then sets the gradients to 0. With `accumulate: k`, only
   * every k-th call takes a step.
   *
   * @throws {ReferenceError} If another optimizer has taken over the parameters, this one was disposed, or a
   * {@linkcode Optimizer.swap} is active.
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
    try {
      this.#run(step, learningRate);
    } finally {
      // Also after an error, so that a second attempt starts like the first.
      slab.markWritten();
      this.zeroGrad();
    }
  }

  /** Runs the plugins and counts the step. */
  #run(step: number, learningRate: number): void {
    const { slab } = this.#packed;
    let skipped = false;
    const { skippedInARow } = this.#counts;
    const info = { step, learningRate, skippedInARow, skip: () => void (skipped = true) };
    this.#clearFrozen();
    for (const hosted of this.#plugins) {
      const { group } = hosted;
      if (hosted.rests) continue;
      hosted.update(slab, group === undefined || group.steps === step - 1 ? info : { ...info, step: group.steps + 1 });
      if (skipped) break;
      // A transform of all gradients, such as weight decay, may have changed those of frozen groups.
      if (group === undefined) this.#clearFrozen();
    }
    if (skipped) {
      this.#counts.skippedSteps++;
      this.#counts.skippedInARow++;
    } else {
      this.#counts.steps++;
      this.#counts.skippedInARow = 0;
      for (const group of this.#groups) if (!group.frozen) group.steps++;
    }
  }

  /** Sets all gradients to 0 and drops accumulated backward passes. A step does so itself. */
  zeroGrad(): void {
    this.#counts.accumulated = 0;
    this.#packed.slab.zeroGrads();
  }

  /**
   * The Euclidean norm of the current gradients, without those of frozen groups. NaN or infinite if any of them is.
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
    let total = 0;
    const { byteOffset } = this.#packed.slab.grads;
    for (const { frozen, stretch: { start, length } } of this.#groups) {
      if (!frozen) total += coreKernels.sumOfSquares(byteOffset + 4 * start, length);
    }
    return Math.sqrt(total);
  }

  /**
   * Swaps a slot, such as averages, in for the parameters until the returned object is disposed. Frozen groups stay as they are.
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
    const own = this.#plugins.filter((hosted) => hosted.plugin.name === plugin && !hosted.rests);
    const exchange = () => {
      this.#packed.slab.markWritten();
      return own.map((hosted) => hosted.swap(this.#packed.slab, slot)).includes(true);
    };
    if (!exchange()) {
      throw new ReferenceError(
        `Cannot swap: plugin ${plugin} must have a slot ${slot}, which exists after the first step`,
      );
    }
    const swapped = this.#swapped = {
      slot: `${plugin}.${slot}`,
      end: () => {
        if (this.#swapped !== swapped) return;
        this.#swapped = undefined;
        this.#checkOwned("swap back");
        exchange();
      },
    };
    return { [Symbol.dispose]: swapped.end };
  }

  /**
   * The state that a later run needs to continue exactly: `steps` and other counts, for each slot one entry per parameter,
   * `<plugin>.<slot>/<parameter>`, and for each group that is or was frozen `groups/<group>`: its steps, and 1 if it is frozen.
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
      ...this.#groups.filter(({ hasRule, steps, frozen }) => hasRule && (frozen || steps !== this.#counts.steps))
        .map(({ label, steps, frozen }) =>
          [`groups/${label}`, { shape: [2], data: Float64Array.of(steps, Number(frozen)) }] as const
        ),
      ...this.#counts.accumulated > 0 ? entriesOf(segments, "gradients/", slab.grads) : [],
      ...this.#plugins.flatMap((hosted) => hosted.state()),
    ]);
  }

  /**
   * Restores a saved {@linkcode Optimizer.state}.
   *
   * @throws {TypeError} If entries are missing, unexpected or of another shape. The message lists them; nothing changes.
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
    const groups = this.#groups.map(({ label, hasRule }) => {
      const name = `groups/${label}`;
      const entry = hasRule ? entries.get(name) : undefined;
      const [steps, frozen] = [Number(entry?.data[0] ?? counts.steps), Number(entry?.data[1] ?? 0)];
      if (!entry) return { steps, frozen: !hasRule };
      entries.delete(name);
      if (!(Number.isSafeInteger(steps) && steps >= 0 && steps <= counts.steps && (frozen === 0 || frozen === 1))) {
        problems.push(
          `${name} must be a number of steps up to ${counts.steps}, and 0 or 1, got ${steps} and ${frozen}`,
        );
      }
      return { steps, frozen: frozen === 1 };
    });
    const commits = this.#plugins.map((hosted) => {
      const steps = hosted.group === undefined ? counts.steps : groups[this.#groups.indexOf(hosted.group)]!.steps;
      return hosted.load(entries, problems, steps > 0);
    });
    for (const name of entries.keys()) problems.push(`${printable(name)} belongs to no plugin and parameter`);
    if (problems.length > 0) throw new TypeError(`Cannot load the optimizer: ${joined(problems)}`);
    for (const commit of commits) commit();
    this.zeroGrad();
    this.#counts = counts;
    this.#groups.forEach((group, index) => Object.assign(group, groups[index]));
    if (gradients !== undefined) slab.grads.set(gradients);
  }
}
