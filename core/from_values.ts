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

function fillNested(target: { [index: number]: number }, values: NestedArray, shape: Shape): void {
  let position = 0;
  const visit = (value: NestedArray, axis: number): void => {
    if (axis === shape.length) {
      if (typeof value !== "number") {
        throw new TypeError(`Cannot make a tensor: values must be numbers nested to one depth, got ${String(value)}`);
      }
      target[position++] = value;
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
}

/**
 * A tensor of given values.
 *
 * @param values A number, nested arrays of numbers, or a typed array (with `shape`, else one axis).
 * @throws {TypeError} If nested arrays are ragged, or the values do not fill the shape.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(tensor([[1, 2], [3, 4]]).shape, [2, 2]);
 * assert.equal(tensor(7).item(), 7);
 * assert.deepEqual(tensor([4, 2], { dtype: "i32" }).data, Int32Array.of(4, 2));
 * assert.deepEqual(tensor(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] }).toArray(), [[1, 2], [3, 4]]);
 * ```
 */
export function tensor<D extends DType = "f32">(
  values: NestedArray | Float32Array | Float64Array | Int32Array,
  options: TensorOptions<D> & { shape?: Shape } = {},
): Tensor<D> {
  const flat = ArrayBuffer.isView(values);
  const own = flat ? [values.length] : shapeOfNested(values);
  const shape = options.shape ?? own;
  if (sizeOf(shape) !== sizeOf(own)) {
    throw new TypeError(
      `Cannot make a tensor of shape ${formatShape(shape)}: it must have ${sizeOf(shape)} values, got ${sizeOf(own)}`,
    );
  }
  const made = empty(shape, options);
  if (flat) made.data.set(values);
  else fillNested(made.data, values, own);
  return made;
}
