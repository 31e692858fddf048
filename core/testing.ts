/**
 * For tests of ops and layers: compares values and gradients with a plain oracle in 64-bit floats, and results on several threads.
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
import { splittingSmallWork, useThreads } from "./threads.ts";

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
  const scale = Math.max(floor, largest(expected));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / scale;
    assert.ok(
      error <= tolerance,
      `${name}: element ${i} is ${actual[i]}, expected ${expected[i]} (relative error ${error})`,
    );
  }
}

/** The largest finite magnitude. */
function largest(values: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > found && magnitude < Infinity) found = magnitude;
  }
  return found;
}

/**
 * Checks an op on random inputs: its value against the oracle's, and the gradient of a random weighting of it, at
 * elements picked at random, against central differences of the oracle.
 *
 * Errors are relative to the sum of absolute contributions, not to the result alone: a sum of 175 weights of either sign may
 * come out near zero, and then says nothing about the rounding errors of its terms.
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
  const magnitudes = oracle(...exact.map(({ shape, data }) => ({ shape, data: data.map(Math.abs) })));
  assertClose(output.data, expected.data, {
    tolerance,
    name: "value",
    floor: Math.max(1e-2, largest(magnitudes.data)),
  });

  const weights = Float32Array.from(expected.data, () => random.normal());
  sum(multiply(output, tensor(weights, { shape: output.shape }))).backward();
  exact.forEach(({ data }, index) => {
    const gradient = inputs[index]!.grad?.data ?? new Float32Array(data.length);
    const sampled = random.permutation(data.length).subarray(0, SAMPLED);
    let floor = 1e-2;
    const differences = Array.from(sampled, (i) => {
      const value = data[i]!;
      // Small enough that a kink is rarely between the two points.
      const h = 1e-7 * Math.max(1, Math.abs(value));
      data[i] = value + h;
      const above = oracle(...exact).data.slice();
      data[i] = value - h;
      const below = oracle(...exact).data.slice();
      data[i] = value;
      let [total, absolute] = [0, 0];
      weights.forEach((weight, j) => {
        const contribution = weight * (above[j]! - below[j]!) / (2 * h);
        total += contribution;
        absolute += Math.abs(contribution);
      });
      floor = Math.max(floor, absolute);
      return total;
    });
    const here = Array.from(sampled, (i) => gradient[i]!);
    assertClose(here, differences, { tolerance, floor, name: `gradient of input ${index}` });
  });
}

/** Arrays to compare, by name. */
export type NamedResults = Readonly<Record<string, ArrayLike<number>>>;

/**
 * Checks that a computation gives the same results on one to four threads, bit for bit. Even small work is split.
 *
 * @param run Computes from the same inputs at each call. The results may be views of the memory.
 * @param options.tolerance If given, values may differ by this, relative to the largest: a BLAS rounds differently.
 *
 * @example
 * ```ts
 * import { tanh, tensor } from "@unfold/core";
 * import { checkThreads } from "@unfold/core/testing";
 *
 * const x = tensor([1, 2, 3]);
 * await checkThreads(() => ({ y: tanh(x).data }));
 * ```
 */
export async function checkThreads(run: () => NamedResults, options: { tolerance?: number } = {}): Promise<void> {
  const { tolerance } = options;
  const compute = () => {
    using _ = scope();
    const results = splittingSmallWork(run);
    return Object.fromEntries(Object.entries(results).map(([name, data]) => [name, Float32Array.from(data)]));
  };
  const expected = compute();
  try {
    for (const count of [2, 3, 4]) {
      assert.equal(await useThreads(count), count, "all threads must start");
      const got = compute();
      for (const [name, data] of Object.entries(expected)) {
        const what = `${name} on ${count} threads`;
        if (tolerance !== undefined) assertClose(got[name]!, data, { tolerance, name: what });
        else assert.ok(sameBits(got[name]!, data), `${what} must be the same as on one`);
      }
    }
  } finally {
    await useThreads(1);
  }
}

function sameBits(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): boolean {
  const [left, right] = [a, b].map(({ buffer }) => new Int32Array(buffer));
  return left!.length === right!.length && left!.every((bits, i) => bits === right![i]);
}
