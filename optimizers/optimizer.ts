import { type NamedParameters, packParameters, type SafetensorsInput, type Tensor, zeros } from "@unfold/core";
import { coreKernels, memory, reserve } from "@unfold/core/kernels";
import type { OptimizerPlugin, ParameterGroup, Schedule } from "./plugin.ts";

/** How many slots a step may allocate without the memory growing under the plugin's views; no known rule has more. */
const SLOTS_IN_RESERVE = 6;

/** Options for {@linkcode Optimizer}. */
export interface OptimizerOptions {
  /** The learning rate: a number, or a schedule. */
  learningRate: number | Schedule;
}

/** State of an optimizer as it is saved: flat arrays by name. */
export type OptimizerState = ReadonlyMap<string, SafetensorsInput>;

/**
 * Hosts plugins: packs the parameters into one slab, calls each plugin on it in order, and owns the plugins' state.
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
export class Optimizer {
  readonly #parameters: NamedParameters;
  readonly #packed: ReturnType<typeof packParameters>;
  readonly #plugins: readonly OptimizerPlugin[];
  readonly #schedule: Schedule;
  readonly #slots = new Map<string, Tensor>();
  #steps = 0;
  /** Whether the slots came from a saved state, which must then have all of them. */
  #loaded = false;

  /**
   * Takes the parameters over.
   *
   * @param parameters What to optimize, by name: `model.parameters()`. They move into one slab.
   * @param plugins Gradient transforms and a rule, in the order in which they run.
   * @throws {TypeError} If there is no plugin, or two have one name.
   */
  constructor(parameters: NamedParameters, plugins: readonly OptimizerPlugin[], options: OptimizerOptions) {
    const names = plugins.map(({ name }) => name);
    if (names.length === 0) {
      throw new TypeError("Cannot make an Optimizer: there must be at least one plugin, got none");
    }
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw new TypeError(`Cannot make an Optimizer: plugins must differ in name, got "${twice}" twice`);
    }
    const { learningRate } = options;
    this.#schedule = typeof learningRate === "function" ? learningRate : () => learningRate;
    this.#plugins = plugins;
    this.#parameters = parameters;
    this.#packed = packParameters(parameters);
    this.#rateOf(1);
  }

  /** How many steps have been taken. */
  get steps(): number {
    return this.#steps;
  }

  /** The learning rate of the last step, or of the first one before it. */
  get learningRate(): number {
    return this.#rateOf(Math.max(1, this.#steps));
  }

  #rateOf(step: number): number {
    const rate = this.#schedule(step);
    if (!(rate >= 0 && rate < Infinity)) {
      throw new RangeError(
        `Cannot take step ${step}: the learning rate must be a finite number of 0 or more, got ${rate}`,
      );
    }
    return rate;
  }

  /**
   * Takes one step: runs the plugins on the gradients that `backward()` has left, then sets the gradients to 0.
   *
   * @throws {ReferenceError} If another optimizer has taken the parameters over.
   */
  step(): void {
    const { slab, segments } = this.#packed;
    for (const [name, parameter] of Object.entries(this.#parameters)) {
      if (parameter.slab !== slab) {
        throw new ReferenceError(`Cannot step: ${name} now belongs to an optimizer that was made later`);
      }
    }
    const step = this.#steps + 1;
    const learningRate = this.#rateOf(step);
    reserve(SLOTS_IN_RESERVE, 4 * slab.length);
    for (const plugin of this.#plugins) {
      const { buffer } = memory;
      const group: ParameterGroup = {
        params: slab.params,
        grads: slab.grads,
        segments,
        slot: (name) => this.#slot(`${plugin.name}.${name}`).data,
      };
      plugin.update(group, { step, learningRate });
      if (memory.buffer !== buffer) {
        throw new Error(
          `Cannot step: ${plugin.name} must not make the memory grow in update(), where its arrays would end; it may ask ` +
            `for ${SLOTS_IN_RESERVE} slots and must allocate tensors elsewhere`,
        );
      }
    }
    this.#steps = step;
    slab.grads.fill(0);
  }

  #slot(name: string): Tensor {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      if (this.#loaded) {
        throw new TypeError(`Cannot step: the state that was loaded must have optimizer.${name}, and has not`);
      }
      slot = this.#makeSlot(name);
    }
    return slot;
  }

  #makeSlot(name: string): Tensor {
    const slot = zeros([this.#packed.slab.length], { persistent: true });
    this.#slots.set(name, slot);
    return slot;
  }

  /**
   * The Euclidean norm of all gradients as they are now, before a step; NaN or infinite where one of them is.
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
   * All that a later run needs to go on as if it had never stopped: `optimizer.<plugin>.<slot>` and `optimizer.steps`.
   *
   * @example
   * ```ts
   * import { Parameter } from "@unfold/core";
   * import { adam, Optimizer } from "@unfold/optimizers";
   * import assert from "node:assert/strict";
   *
   * const optimizer = new Optimizer({ weight: new Parameter([3]) }, [adam()], { learningRate: 1e-3 });
   * optimizer.step();
   * assert.deepEqual([...optimizer.state().keys()], ["optimizer.steps", "optimizer.adam.m", "optimizer.adam.v"]);
   * ```
   */
  state(): OptimizerState {
    const slots = [...this.#slots].map(([name, { shape, data }]) =>
      [`optimizer.${name}`, { shape, data: data.slice() }] as const
    );
    return new Map<string, SafetensorsInput>([
      ["optimizer.steps", { shape: [], data: Float64Array.of(this.#steps) }],
      ...slots,
    ]);
  }

  /**
   * Restores what {@linkcode Optimizer.state} gave.
   *
   * @throws {TypeError} If an entry belongs to no plugin of this optimizer or has another length; nothing is changed then.
   */
  load(state: OptimizerState): void {
    const problems: string[] = [];
    const length = this.#packed.slab.length;
    const prefixes = this.#plugins.map(({ name }) => `optimizer.${name}.`);
    for (const [name, { data }] of state) {
      if (name === "optimizer.steps") continue;
      if (!prefixes.some((prefix) => name.startsWith(prefix))) problems.push(`${name} belongs to none of the plugins`);
      else if (!(data instanceof Float32Array) || data.length !== length) {
        problems.push(`${name} must be ${length} 32-bit floats, got ${data.length} in a ${data.constructor.name}`);
      }
    }
    const steps = Number(state.get("optimizer.steps")?.data[0]);
    if (!Number.isSafeInteger(steps) || steps < 0) {
      problems.push(`optimizer.steps must be an integer of 0 or more, got ${steps}`);
    }
    if (problems.length > 0) throw new TypeError(`Cannot load the optimizer: ${problems.join("; ")}`);
    this.#slots.clear();
    this.#loaded = steps > 0;
    for (const [name, { data }] of state) {
      if (name !== "optimizer.steps") this.#makeSlot(name.slice("optimizer.".length)).data.set(data as Float32Array);
    }
    this.#steps = steps;
  }
}
