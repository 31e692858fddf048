import { empty, type TensorOptions } from "./empty.ts";
import { type DType, formatShape, type NestedArray, type Shape, sizeOf, type Tensor } from "./tensor.ts";

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
        throw new TypeError(`Cannot make a tensor: values must be numbers nested to one depth, got ${String(value)}`);
      }
      flat[position++] = value;
    } else if (!Array.isArray(value) || value.length !== shape[axis]) {
      throw new TypeError(
        `Cannot make a tensor: rows of axis ${axis} must all have length ${shape[axis]}, got ${
          Array.isArray(value) ? value.length : typeof value
        }`,
      );
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
        `Cannot make a tensor of integers: values must be integers of 32 bits, got ${value} at position ${i}`,
      );
    }
  }
}

/**
 * A tensor of given values: floats, unless `dtype` or an `Int32Array` says integers.
 *
 * @param values A number, nested arrays of numbers, or a typed array (with `shape`, else one axis).
 * @throws {TypeError} If nested arrays are ragged, or the values do not fill the shape.
 * @throws {RangeError} If a value for an `i32` tensor is no integer of 32 bits.
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
