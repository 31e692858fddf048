/**
 * For tests of ops and layers: compares values and gradients with a plain oracle in 64-bit floats.
 *
 * @module
 */

import assert from "node:assert/strict";
import { tensor } from "./create.ts";
import { multiply } from "./ops/arithmetic.ts";
import { sum } from "./ops/reduce.ts";
import { Random } from "./random.ts";
import { scope } from "./scope.ts";
import { formatShape, type Shape, sizeOf, type Tensor } from "./tensor.ts";

/** The number of elements per input whose gradient is compared: each costs two calls of the oracle. */
const SAMPLED = 24;

/** An array with a shape, in 64-bit floats. */
export interface Oracle {
  /** Lengths of the axes. */
  readonly shape: Shape;
  /** The elements in row-major order. */
  readonly data: Float64Array;
}

/** Options for {@linkcode checkOp}. */
export interface OpCheck {
  /** The op under test. */
  op: (...inputs: Tensor[]) => Tensor;
  /** The same function in 64-bit floats, written as plainly as possible. */
  oracle: (...inputs: Oracle[]) => Oracle;
  /** The shapes of the inputs. */
  shapes: readonly Shape[];
  /**
   * Draws an element of an input.
   *
   * @default {standard normal}
   */
  draw?: (random: Random, input: number) => number;
  /**
   * The seed for the draws.
   *
   * @default {1}
   */
  seed?: number;
  /**
   * The bound on the largest error, relative to the largest value.
   *
   * @default {1e-4}
   */
  tolerance?: number;
}

/**
 * Fails unless two arrays agree: the largest difference, relative to the largest expected magnitude (at least `floor`), must
 * not exceed the tolerance.
 */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  options: { tolerance?: number; floor?: number; name?: string } = {},
): void {
  const { tolerance = 1e-4, floor = 1e-2, name = "values" } = options;
  assert.equal(actual.length, expected.length, `${name}: lengths`);
  let scale = floor;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / scale;
    assert.ok(
      error <= tolerance,
      `${name}: element ${i} is ${actual[i]}, expected ${expected[i]} (relative error ${error})`,
    );
  }
}

/**
 * Checks an op on random inputs: its value against the oracle's, and the gradient of a random weighting of it, at
 * elements picked by chance, against central differences of the oracle.
 */
export function checkOp({ op, oracle, shapes, draw = (r) => r.normal(), seed = 1, tolerance = 1e-4 }: OpCheck): void {
  const random = new Random(seed);
  using _ = scope();
  const inputs = shapes.map((shape, index) => {
    const values = Float32Array.from({ length: sizeOf(shape) }, () => draw(random, index));
    return tensor(values, { shape, requiresGrad: true });
  });
  const exact: Oracle[] = inputs.map(({ shape, data }) => ({ shape, data: Float64Array.from(data) }));
  const output = op(...inputs);
  const expected = oracle(...exact);
  assert.equal(formatShape(output.shape), formatShape(expected.shape), "shape of the value");
  assertClose(output.data, expected.data, { tolerance, name: "value" });

  const weights = Float32Array.from(expected.data, () => random.normal());
  sum(multiply(output, tensor(weights, { shape: output.shape }))).backward();
  const weighted = () => oracle(...exact).data.reduce((total, value, i) => total + value * weights[i]!, 0);
  exact.forEach(({ data }, index) => {
    const gradient = inputs[index]!.grad?.data ?? new Float32Array(data.length);
    const sampled = random.permutation(data.length).subarray(0, SAMPLED);
    const differences = Array.from(sampled, (i) => {
      const value = data[i]!;
      // So small that a kink hardly ever lies between the two points.
      const h = 1e-7 * Math.max(1, Math.abs(value));
      data[i] = value + h;
      const above = weighted();
      data[i] = value - h;
      const below = weighted();
      data[i] = value;
      return (above - below) / (2 * h);
    });
    const here = Array.from(sampled, (i) => gradient[i]!);
    assertClose(here, differences, { tolerance, name: `gradient of input ${index}` });
  });
}
