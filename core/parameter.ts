import { Block, view } from "./memory.ts";
import { formatShape, type Owner, type Shape, sizeOf, Tensor } from "./tensor.ts";

let skipping = 0;

/** Whether parameters are being made whose first values do not matter. */
function isSkippingInitialization(): boolean {
  return skipping > 0;
}

/**
 * Builds a model whose first weights are left at 0, because others are about to be loaded: for large models, drawing them
 * takes longer than loading.
 *
 * @param build Makes the model; it must not be asynchronous.
 * @returns What it returns.
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
    return build();
  } finally {
    skipping--;
  }
}

/** Parameters and, right behind them, their gradients: two flat arrays of one length, each in one piece. */
export class Slab implements Owner {
  /** Numbers in each of the two arrays. */
  readonly length: number;
  readonly #block: Block;

  /** Allocates a slab of zeros; `purpose` is for the message when the memory is exhausted. */
  constructor(length: number, purpose: string) {
    this.length = length;
    this.#block = new Block(8 * length, purpose);
    view(this.offset, 2 * length).fill(0);
  }

  /** Where the first parameter is, in bytes; the gradients start `length` numbers behind it. */
  get offset(): number {
    if (this.released) throw new ReferenceError("Cannot use a slab of parameters: they have moved into another one");
    return this.#block.offset;
  }

  /** Whether the memory has been given back. */
  get released(): boolean {
    return this.#block.released;
  }

  /** Gives the memory back. */
  release(): void {
    this.#block.release();
  }

  /** All parameters, as a view that is valid until the next allocation. */
  get params(): Float32Array<ArrayBuffer> {
    return view(this.offset, this.length);
  }

  /** All gradients, as a view that is valid until the next allocation. */
  get grads(): Float32Array<ArrayBuffer> {
    return view(this.offset + 4 * this.length, this.length);
  }
}

/**
 * A tensor that is learned. It lives in a {@linkcode Slab}, beside its gradient: in one of its own until
 * {@linkcode packParameters} moves it beside the other parameters of its model.
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
   * Makes a parameter in a slab of its own.
   *
   * @param shape Lengths of the axes.
   * @param initialize Writes the first values into the elements, which start at 0.
   */
  constructor(shape: Shape, initialize?: (data: Float32Array, shape: Shape) => void) {
    const slab = new Slab(sizeOf(shape), `a parameter of shape ${formatShape(shape)}`);
    super(shape, { dtype: "f32", offset: 0, owner: slab, requiresGrad: true });
    this.#slab = slab;
    if (initialize === undefined || isSkippingInitialization()) return;
    const { data } = this;
    initialize(data, shape);
    if (data.length !== this.size) {
      throw new Error(
        `Cannot initialize a parameter of shape ${
          formatShape(shape)
        }: the initializer must not make tensors, whose memory may ` +
          "take the place of its array",
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

  /** Does nothing: a parameter's memory belongs to its slab, which lives as long as the parameters in it. */
  override dispose(): void {}

  /** ∂loss/∂this, summed over the backward passes since an optimizer's last step. */
  override get grad(): Tensor {
    const { offset, length } = this.#slab;
    return new Tensor(this.shape, { dtype: "f32", offset: offset + 4 * (length + this.#start), owner: this.#slab });
  }

  /** Sets the gradient to 0. */
  override zeroGrad(): void {
    this.grad.data.fill(0);
  }

  /** The slab that the parameter lives in. */
  get slab(): Slab {
    return this.#slab;
  }

  /** Moves value and gradient into another slab. @internal */
  moveTo(slab: Slab, start: number): void {
    slab.params.set(this.data, start);
    slab.grads.set(this.grad.data, start);
    // A slab of its own holds nothing else.
    if (this.#slab.length === this.size) this.#slab.release();
    this.#slab = slab;
    this.#start = start;
  }
}

/** Parameters by name, such as `0.inputWeight`. Their order is the order in the slab. */
export type NamedParameters = Readonly<Record<string, Parameter>>;
