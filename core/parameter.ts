import { refuseLater } from "./checks.ts";
import { kernels } from "./core_kernels.ts";
import { Block, growth, view } from "./memory.ts";
import { checkShape, formatShape, type Owner, type Shape, sizeOf, Tensor } from "./tensor.ts";

let skipping = 0;

/** Whether new parameters keep zeros instead of their initial values. */
function isSkippingInitialization(): boolean {
  return skipping > 0;
}

/**
 * Builds a model without drawing its initial weights, which stay 0, for when weights are about to be loaded. Drawing a large
 * model's weights takes longer than loading them.
 *
 * @param build Builds the model; it must not be asynchronous.
 * @returns What `build` returns.
 * @throws {TypeError} If `build` is asynchronous or a generator.
 *
 * @example
 * ```ts
 * import { Parameter, uninitialized } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const weight = uninitialized(() => new Parameter([2], (data) => data.fill(7)));
 * assert.deepEqual(weight.toArray(), [0, 0]);
 * ```
 */
export function uninitialized<T>(build: () => T): T {
  skipping++;
  try {
    return refuseLater("build a model without initial weights", build());
  } finally {
    skipping--;
  }
}

/** The number of writes to parameters so far. The tape notes it for each op, to notice parameters that change before backward. */
export const writes: { count: number } = { count: 0 };

/** Parameters followed by their gradients: two contiguous arrays of the same length. */
export class Slab implements Owner {
  /** The length of each array. */
  readonly length: number;
  /** The names of the parameters in it, once packed. @internal */
  names: ReadonlyMap<Tensor, string> = new Map();
  /** The number of the last write to a parameter in it. @internal */
  lastWrite = 0;
  readonly #block: Block;

  /** Allocates a slab of zeros; `purpose` completes the message if the memory is exhausted. */
  constructor(length: number, purpose: string) {
    this.length = length;
    this.#block = new Block(8 * length, purpose);
    kernels.zero(this.offset, 8 * length);
  }

  /** Where the parameters start, in bytes. The gradients start `length` floats later. */
  get offset(): number {
    if (this.released) {
      throw new ReferenceError("Cannot use a slab of parameters: its parameters have moved to another slab");
    }
    return this.#block.offset;
  }

  /** Whether the memory has been freed. */
  get released(): boolean {
    return this.#block.released;
  }

  /**
   * Notes that parameters have changed, so that a backward pass through ops that used the old values is an error. The library
   * calls it whenever it writes parameters: in the step of an optimizer, when loading and swapping. Code that writes into
   * `params` or into a parameter's `data` may call it too.
   */
  markWritten(): void {
    this.lastWrite = ++writes.count;
  }

  /** Sets all gradients to 0. */
  zeroGrads(): void {
    kernels.zero(this.offset + 4 * this.length, 4 * this.length);
  }

  /** Frees the memory. */
  release(): void {
    this.#block.release();
  }

  /** All parameters, as a view valid until the next allocation. */
  get params(): Float32Array<ArrayBuffer> {
    return view(this.offset, this.length);
  }

  /** All gradients, as a view valid until the next allocation. */
  get grads(): Float32Array<ArrayBuffer> {
    return view(this.offset + 4 * this.length, this.length);
  }
}

/**
 * A tensor to be learned. It lives in a {@linkcode Slab} with its gradient: first in one by itself, until
 * {@linkcode packParameters} moves it next to the model's other parameters.
 *
 * @example
 * ```ts
 * import { multiply, Parameter, sum, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2], (data) => data.set([3, 4]));
 * sum(multiply(weight, tensor([10, 20]))).backward();
 * assert.deepEqual(weight.toArray(), [3, 4]);
 * assert.deepEqual(weight.grad.toArray(), [10, 20]);
 * ```
 */
export class Parameter extends Tensor {
  #slab: Slab;
  #start = 0;

  /**
   * Makes a parameter in a new slab.
   *
   * @param shape Lengths of the axes.
   * @param initialize Writes the initial values into the elements, which start at 0. It must not make tensors.
   * @throws {RangeError} If a length is not an integer of 0 or more.
   */
  constructor(shape: Shape, initialize?: (data: Float32Array, shape: Shape) => void) {
    checkShape("make a parameter", shape);
    const slab = new Slab(sizeOf(shape), `a parameter of shape ${formatShape(shape)}`);
    super(shape, { dtype: "f32", offset: 0, owner: slab, requiresGrad: true });
    this.#slab = slab;
    if (initialize === undefined || isSkippingInitialization()) return;
    const before = growth.count;
    initialize(this.data, shape);
    if (growth.count !== before) {
      throw new Error(
        `Cannot initialize a parameter of shape ${formatShape(shape)}: ` +
          "the initializer must not make tensors, which may move the memory under its array",
      );
    }
  }

  /** Where the first element is, in bytes from the start of the memory. Packing moves it. */
  override get offset(): number {
    return this.#slab.offset + 4 * this.#start;
  }

  /** The slab's memory. @internal */
  override get owner(): Owner {
    return this.#slab;
  }

  /** Does nothing: the memory belongs to the slab, which lives as long as the parameters in it. */
  override dispose(): void {}

  /** ∂loss/∂this, summed over the backward passes since the gradient was last zeroed. */
  override get grad(): Tensor {
    const { offset, length } = this.#slab;
    return new Tensor(this.shape, { dtype: "f32", offset: offset + 4 * (length + this.#start), owner: this.#slab });
  }

  /** Sets the gradient to 0. */
  override zeroGrad(): void {
    kernels.zero(this.grad.offset, 4 * this.size);
  }

  /** The slab that the parameter lives in. */
  get slab(): Slab {
    return this.#slab;
  }

  /** Moves the value and the gradient to another slab. @internal */
  moveTo(slab: Slab, start: number): void {
    slab.params.set(this.data, start);
    slab.grads.set(this.grad.data, start);
    // No other parameter is in this slab.
    if (this.#slab.length === this.size) this.#slab.release();
    this.#slab = slab;
    this.#start = start;
  }
}

/** Parameters by name, such as `0.inputWeight`, in the order of the slab. */
export type NamedParameters = Readonly<Record<string, Parameter>>;
