import { kernels } from "./core_kernels.ts";
import { Block } from "./memory.ts";
import { allocateInScope, AmbientBlock, currentScope } from "./scope.ts";
import { checkShape, type DType, formatShape, type NestedArray, type Shape, sizeOf, Tensor } from "./tensor.ts";

/** Options for the functions that make tensors. */
export interface TensorOptions<D extends DType = DType> {
  /**
   * The kind of element.
   *
   * @default {"f32"}
   */
  dtype?: D;
  /**
   * Whether backward passes accumulate a gradient in the tensor's `grad`.
   *
   * @default {false}
   */
  requiresGrad?: boolean;
  /**
   * Whether the tensor outlives the scope it is made in. It then lives until {@linkcode Tensor.dispose}, or until nothing
   * refers to it.
   *
   * @default {false}
   */
  persistent?: boolean;
}

/**
 * A tensor with arbitrary contents, for ops that write every element.
 *
 * @param shape Lengths of the axes, integers of 0 or more.
 * @throws {RangeError} If a length is not an integer of 0 or more, or the memory cannot hold the tensor.
 *
 * @example
 * ```ts
 * import { empty } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = empty([2, 2]);
 * x.data.fill(7);
 * assert.equal(x.data[3], 7);
 * ```
 */
export function empty<D extends DType = "f32">(shape: Shape, options: TensorOptions<D> = {}): Tensor<NoInfer<D>> {
  checkShape("make a tensor", shape);
  const dtype = options.dtype ?? "f32" as D;
  const requiresGrad = options.requiresGrad ?? false;
  if (dtype !== "f32" && (dtype !== "i32" || requiresGrad)) {
    throw new TypeError(
      `Cannot make a tensor: dtype must be "f32", or "i32" without a gradient, got "${dtype}"` +
        (requiresGrad ? " with requiresGrad" : ""),
    );
  }
  const bytes = 4 * sizeOf(shape);
  const purpose = `a tensor of shape ${formatShape(shape)}`;
  if (options.persistent) {
    const owner = new Block(bytes, purpose);
    return new Tensor(shape, { dtype, requiresGrad, offset: owner.offset, owner });
  }
  const scope = currentScope();
  if (scope !== undefined) {
    return new Tensor(shape, { dtype, requiresGrad, offset: allocateInScope(bytes, purpose), owner: scope });
  }
  const owner = new AmbientBlock(bytes, purpose);
  return new Tensor(shape, { dtype, requiresGrad, offset: owner.offset, owner });
}

/**
 * A tensor of zeros.
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(zeros([3]).toArray(), [0, 0, 0]);
 * ```
 */
export function zeros<D extends DType = "f32">(shape: Shape, options: TensorOptions<D> = {}): Tensor<NoInfer<D>> {
  return full(shape, 0, options);
}

/**
 * A tensor filled with one value.
 *
 * @example
 * ```ts
 * import { full } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(full([2, 2], 0.5).toArray(), [[0.5, 0.5], [0.5, 0.5]]);
 * ```
 */
export function full<D extends DType = "f32">(
  shape: Shape,
  value: number,
  options: TensorOptions<D> = {},
): Tensor<NoInfer<D>> {
  const made = empty(shape, options);
  // A kernel fills shared memory faster than the engine does.
  if (Object.is(value, 0)) kernels.zero(made.offset, 4 * made.size);
  else made.data.fill(value);
  return made;
}

/**
 * A tensor with the given values: floats, unless `dtype` is `"i32"` or the values are an `Int32Array`.
 *
 * @param values A number, nested arrays of numbers, or a typed array, which has one axis unless `shape` is given.
 * @throws {TypeError} If nested arrays are ragged, or the values do not fill the shape.
 * @throws {RangeError} If a value of an `i32` tensor is not a 32-bit integer.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(tensor([[1, 2], [3, 4]]).shape, [2, 2]);
 * assert.equal(tensor(7).item(), 7);
 * assert.deepEqual(tensor([4, 2], { dtype: "i32" }).data, Int32Array.of(4, 2));
 * assert.equal(tensor(Int32Array.of(4, 2)).dtype, "i32");
 * assert.deepEqual(tensor(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] }).toArray(), [[1, 2], [3, 4]]);
 * ```
 */
export function tensor<
  Values extends NestedArray | Float32Array | Float64Array | Int32Array,
  D extends DType = Values extends Int32Array ? "i32" : "f32",
>(values: Values, options: TensorOptions<D> & { shape?: Shape } = {}): Tensor<NoInfer<D>> {
  const own = ArrayBuffer.isView(values) ? [values.length] : shapeOfNested(values);
  if (options.shape !== undefined) checkShape("make a tensor", options.shape);
  const shape = options.shape ?? own;
  if (sizeOf(shape) !== sizeOf(own)) {
    throw new TypeError(
      `Cannot make a tensor of shape ${formatShape(shape)}: it must have ${sizeOf(shape)} values, got ${sizeOf(own)}`,
    );
  }
  const flat = ArrayBuffer.isView(values) ? values as Exclude<Values, NestedArray> : flatten(values, own);
  const dtype = options.dtype ?? (flat instanceof Int32Array ? "i32" : "f32") as D;
  if (dtype === "i32" && !(flat instanceof Int32Array)) checkIntegers(flat);
  const made = empty(shape, { ...options, dtype });
  made.data.set(flat);
  return made;
}

function shapeOfNested(values: NestedArray): number[] {
  const shape: number[] = [];
  for (let level = values; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  return shape;
}

function flatten(values: NestedArray, shape: Shape): Float64Array {
  const flat = new Float64Array(sizeOf(shape));
  let position = 0;
  const visit = (value: NestedArray, axis: number): void => {
    if (axis === shape.length) {
      if (typeof value !== "number") {
        throw new TypeError(
          `Cannot make a tensor: values must be numbers, all nested equally deep, got ${String(value)}`,
        );
      }
      flat[position++] = value;
    } else if (!Array.isArray(value) || value.length !== shape[axis]) {
      const got = Array.isArray(value) ? value.length : typeof value;
      throw new TypeError(`Cannot make a tensor: rows of axis ${axis} must all have length ${shape[axis]}, got ${got}`);
    } else {
      for (const inner of value as readonly NestedArray[]) visit(inner, axis + 1);
    }
  };
  visit(values, 0);
  return flat;
}

function checkIntegers(values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== (value | 0)) {
      throw new RangeError(
        `Cannot make a tensor of integers: values must be 32-bit integers, got ${value} at position ${i}`,
      );
    }
  }
}

/**
 * A copy that outlives the current scope and is not on the tape. Release it with {@linkcode Tensor.dispose}, or leave it to
 * the garbage collector.
 *
 * @example
 * ```ts
 * import { keep, scope, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * function compute() {
 *   using _ = scope();
 *   return keep(tensor([1, 2]));
 * }
 * assert.deepEqual(compute().toArray(), [1, 2]);
 * ```
 */
export function keep<D extends DType>(x: Tensor<D>): Tensor<D> {
  const kept = empty(x.shape, { dtype: x.dtype, persistent: true });
  kept.data.set(x.data);
  return kept;
}

/** A tensor on the same memory with another shape of the same size. It is not on the tape. */
export function viewAs<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  return new Tensor(shape, { dtype: x.dtype, offset: x.offset, owner: x.owner });
}
