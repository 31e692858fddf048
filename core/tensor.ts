import { Block, memory } from "./memory.ts";
import { Scope } from "./scope.ts";

/** The kind of elements: 32-bit floats, or 32-bit integers for tokens and indices. */
export type DType = "f32" | "i32";

/** Lengths of a tensor's axes; `[]` is a scalar. */
export type Shape = readonly number[];

/** A number, or arrays of numbers nested to any depth. */
export type NestedArray = number | readonly NestedArray[];

/** The typed array that holds a tensor's elements. */
export type TensorData<D extends DType> = D extends "i32" ? Int32Array<ArrayBuffer> : Float32Array<ArrayBuffer>;

/** The owner of a tensor's memory, which is valid until the owner is released. */
export interface Owner {
  /** Whether the memory has been freed. */
  readonly released: boolean;
}

/** A recorded op: its inputs, and its backward. */
export interface TapeNode {
  /** The op's name. */
  readonly name: string;
  /** Later ops have higher numbers, so descending order is a topological order. */
  readonly order: number;
  /** The tensors that gradients flow to. */
  readonly inputs: readonly Tensor[];
  /** The outputs' shapes. */
  readonly shapes: readonly Shape[];
  /** ∂loss/∂output of each output, once a gradient has reached it. */
  readonly gradients: (Tensor | undefined)[];
  /** Computes the gradients of the inputs; `undefined` once the tape has been released. */
  backward: ((...gradients: Tensor[]) => readonly (Tensor | undefined)[]) | undefined;
  /** The number of writes to parameters before this op. */
  readonly version: number;
}

/**
 * Back-propagation, which `autograd.ts` sets when it loads: {@linkcode Tensor} has a method for it, but cannot import a module
 * that is built on it.
 */
export const tape: { backward: (root: Tensor, gradient: Tensor | undefined) => void } = {
  backward() {
    throw new ReferenceError("Cannot run backward: core/autograd.ts must be loaded first");
  },
};

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** A shape as messages show it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * A dense, row-major tensor: a small handle (shape, dtype, offset) for elements in the shared memory.
 *
 * Make one with {@linkcode tensor}, {@linkcode zeros}, {@linkcode full} or an op. A tensor made while a {@linkcode scope} is
 * open is released when that scope ends; {@linkcode keep} copies it out. A tensor made outside any scope lives until
 * {@linkcode Tensor.dispose}, or until nothing refers to it.
 *
 * @typeParam D The kind of elements.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * assert.deepEqual(x.shape, [2, 3]);
 * assert.equal(x.size, 6);
 * assert.deepEqual([...x.data], [1, 2, 3, 4, 5, 6]);
 * ```
 */
export class Tensor<D extends DType = "f32"> implements Disposable {
  /** Lengths of the axes. */
  readonly shape: Shape;
  /** The kind of elements. */
  readonly dtype: D;
  /** The number of elements. */
  readonly size: number;
  /**
   * Of a loss: the number of targets, or the sum of their weights, that its mean was taken over. Training weighs batches by it.
   * Undefined for other tensors.
   */
  count: number | undefined;
  /** The recorded op that made this tensor, if any, and which of its outputs this is. @internal */
  source: { readonly node: TapeNode; readonly index: number } | undefined;
  #grad: Tensor | undefined;
  readonly #isLeaf: boolean;
  readonly #owner: Owner;
  readonly #offset: number;

  /**
   * Wraps existing memory. Programs call {@linkcode tensor} and the like instead.
   *
   * @param shape Lengths of the axes.
   * @param options The kind of elements, their byte offset, and the owner of the memory.
   */
  constructor(shape: Shape, options: { dtype: D; offset: number; owner: Owner; requiresGrad?: boolean }) {
    this.shape = [...shape];
    this.dtype = options.dtype;
    this.size = sizeOf(shape);
    this.#isLeaf = options.requiresGrad ?? false;
    this.#offset = options.offset;
    this.#owner = options.owner;
  }

  /** Whether gradients flow to this tensor, or through it. */
  get requiresGrad(): boolean {
    return this.#isLeaf || this.source !== undefined;
  }

  /**
   * Where the first element is, in bytes from the start of the memory, for kernels.
   *
   * @throws {ReferenceError} If the tensor has been released.
   */
  get offset(): number {
    if (this.owner.released) throw this.#releasedError();
    return this.#offset;
  }

  #releasedError(): ReferenceError {
    const what = `Cannot use a tensor of shape ${formatShape(this.shape)}`;
    if (this.#owner instanceof Block) return new ReferenceError(`${what}: it was disposed`);
    if (this.#owner instanceof Scope && this.#owner.crossedAwait) {
      return new ReferenceError(
        `${what}: its scope has ended, after it was open across await or yield, where other code may have opened or ` +
          "ended it; open the scope after the await, and copy tensors that outlive it with keep()",
      );
    }
    return new ReferenceError(
      `${what}: its scope has ended; copy it with keep() before that, or open the scope further out`,
    );
  }

  /** The owner of the memory. @internal */
  get owner(): Owner {
    return this.#owner;
  }

  /**
   * The elements in row-major order, as a view of the memory. It is valid until the next tensor is made, so use it immediately or
   * copy it.
   *
   * @throws {ReferenceError} If the tensor has been released.
   */
  get data(): TensorData<D> {
    const { offset } = this;
    const view = this.dtype === "i32"
      ? new Int32Array(memory.buffer, offset, this.size)
      : new Float32Array(memory.buffer, offset, this.size);
    return view as TensorData<D>;
  }

  /**
   * The only element.
   *
   * @throws {TypeError} If the tensor has more than one element.
   */
  item(): number {
    if (this.size !== 1) {
      throw new TypeError(
        `Cannot take the item of a tensor of shape ${formatShape(this.shape)}: it must have one element`,
      );
    }
    return this.data[0]!;
  }

  /** The elements as nested arrays, or a number for a scalar. */
  toArray(): NestedArray {
    const { data, shape } = this;
    let position = 0;
    const nest = (axis: number): NestedArray =>
      axis === shape.length ? data[position++]! : Array.from({ length: shape[axis]! }, () => nest(axis + 1));
    return nest(0);
  }

  /**
   * Back-propagates from this tensor: adds ∂this/∂p to the gradient of every parameter p, and of every tensor made with
   * `requiresGrad`, that it was computed from. Then releases the tape.
   *
   * @param gradient ∂loss/∂this. It may be omitted for a scalar, where it is 1.
   * @throws {TypeError} If this is not a scalar and the gradient is missing, or the gradient has another shape.
   * @throws {ReferenceError} If the tape was released by an earlier call, or a parameter has changed since it was used: by an
   * optimizer's step, by loading or swapping. Writes into `data` are not noticed.
   *
   * @example
   * ```ts
   * import { multiply, sum, tensor } from "@unfold/core";
   * import assert from "node:assert/strict";
   *
   * const x = tensor([1, 2, 3], { requiresGrad: true });
   * sum(multiply(x, x)).backward();
   * assert.deepEqual(x.grad?.toArray(), [2, 4, 6]);
   * ```
   */
  backward(gradient?: Tensor): void {
    tape.backward(this as unknown as Tensor, gradient);
  }

  /** ∂loss/∂this after `loss.backward()`, for a tensor made with `requiresGrad`. It adds up over several calls. */
  get grad(): Tensor | undefined {
    return this.#grad;
  }

  /** Drops the gradient. */
  zeroGrad(): void {
    this.#grad = undefined;
  }

  /** Sets the tensor that gradients are added to. @internal */
  setGrad(grad: Tensor): void {
    this.#grad = grad;
  }

  /**
   * Frees the memory of a tensor that was kept or made outside any scope, along with its views ({@linkcode reshape}). Does
   * nothing for a tensor in a scope, which the scope releases.
   */
  dispose(): void {
    if (this.#owner instanceof Block) this.#owner.release();
  }

  /** The same as {@linkcode Tensor.dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

// What `console.log` shows in Deno, Node and Bun. Declarations cannot have a computed name.
Object.defineProperty(Tensor.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: Tensor): string {
    const head = `Tensor(${this.dtype} ${formatShape(this.shape)})`;
    if (this.owner.released) return `${head} released`;
    const shown = [...this.data.subarray(0, 8)].map((value) => String(Math.fround(Number(value.toPrecision(6)))));
    return `${head} ${shown.join(" ")}${this.size > 8 ? " …" : ""}`;
  },
});

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** The longest axis: the memory has 4 GiB. Longer ones could make the size of a shape NaN. */
const MAX_LENGTH = 2 ** 32;

/** Throws unless a shape is an array of integers of 0 or more that the memory could hold. */
export function checkShape(doing: string, shape: Shape): void {
  if (!Array.isArray(shape)) {
    throw new TypeError(`Cannot ${doing}: shape must be an array of lengths, such as [2, 3], got ${String(shape)}`);
  }
  for (const length of shape as Shape) {
    if (!(Number.isInteger(length) && length >= 0)) {
      throw new RangeError(`Cannot ${doing}: shape must be integers of 0 or more, got ${formatShape(shape)}`);
    }
    if (length > MAX_LENGTH) {
      throw new RangeError(
        `Cannot ${doing}: lengths must be at most ${MAX_LENGTH} (the memory has 4 GiB), got ${formatShape(shape)}`,
      );
    }
  }
}

/** Throws a `TypeError` unless an op's argument is a tensor. `doing` follows "Cannot" in the message. */
export function checkTensor(doing: string, x: unknown): void {
  if (!(x instanceof Tensor)) throw notATensor(doing, x);
}

function notATensor(doing: string, x: unknown): TypeError {
  const must = `Cannot ${doing}: operands must be tensors, got`;
  if (typeof x === "number") {
    const byNumber = doing === "multiply" ? `, or scale(x, ${x})` : doing === "divide" ? `, or scale(x, 1 / ${x})` : "";
    return new TypeError(`${must} ${x}; use tensor(${x})${byNumber}`);
  }
  if (Array.isArray(x) && x.some((inner) => inner instanceof Tensor)) {
    return new TypeError(`${must} an array of tensors; pass them one by one, or join them with concat() or stack()`);
  }
  if (Array.isArray(x) || ArrayBuffer.isView(x)) return new TypeError(`${must} an array; use tensor(array)`);
  const name = typeof x === "object" ? x?.constructor?.name : undefined;
  return new TypeError(`${must} ${name === undefined ? String(x) : `an object of class ${name}`}`);
}

/** Resolves an axis that may be negative, counted from the last. */
export function resolveAxis(name: string, shape: Shape, axis: number): number {
  if (shape.length === 0) {
    throw new RangeError(`Cannot ${name} a scalar: the tensor must have at least one axis, got shape []`);
  }
  const resolved = axis < 0 ? axis + shape.length : axis;
  if (Number.isInteger(resolved) && resolved >= 0 && resolved < shape.length) return resolved;
  const [first, last] = [-shape.length, shape.length - 1];
  throw new RangeError(
    `Cannot ${name} a tensor of shape ${formatShape(shape)}: axis must be from ${first} to ${last}, got ${axis}`,
  );
}
