import { formatShape, type Random, type Shape } from "@unfold/core";

/** Writes the initial values of a parameter. */
export type Initializer = (data: Float32Array, shape: Shape) => void;

/**
 * Uniform in ±√(6/(fanIn + fanOut)), which preserves the variance of activations and gradients (Glorot and Bengio, 2010).
 *
 * @param random Draws the values.
 * @param options `fanIn` and `fanOut`, if they differ from the first and last axis of the shape.
 *
 * @example
 * ```ts
 * import { Parameter, Random } from "@unfold/core";
 * import { glorotUniform } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2, 4], glorotUniform(new Random(1)));
 * assert.ok(weight.data.every((value) => Math.abs(value) <= 1));
 * ```
 */
export function glorotUniform(random: Random, options: { fanIn?: number; fanOut?: number } = {}): Initializer {
  return (data, shape) => {
    const { fanIn = shape[0] ?? 1, fanOut = shape.at(-1) ?? 1 } = options;
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    for (let i = 0; i < data.length; i++) data[i] = random.uniform(-bound, bound);
  };
}

/**
 * Normal with mean 0 and standard deviation √(2/fanIn), which preserves the variance of activations through ReLUs (He et al.,
 * 2015).
 *
 * @param random Draws the values.
 * @param options `fanIn`, if it differs from the first axis of the shape.
 *
 * @example
 * ```ts
 * import { Parameter, Random } from "@unfold/core";
 * import { heNormal } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const { data } = new Parameter([200, 200], heNormal(new Random(1)));
 * const variance = data.reduce((total, value) => total + value * value, 0) / data.length;
 * assert.ok(Math.abs(variance - 0.01) < 2e-4);
 * ```
 */
export function heNormal(random: Random, options: { fanIn?: number } = {}): Initializer {
  return (data, shape) => {
    const deviation = Math.sqrt(2 / (options.fanIn ?? shape[0] ?? 1));
    for (let i = 0; i < data.length; i++) data[i] = random.normal(0, deviation);
  };
}

/**
 * A uniformly distributed orthogonal n × n matrix: a product of Householder reflections of growing size, in 4/3·n³ operations
 * (Stewart, 1980). This is the QR decomposition of a random matrix without forming the matrix.
 */
function randomOrthogonal(n: number, random: Random): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let start = n - 1; start >= 0; start--) {
    const v = Float64Array.from({ length: n - start }, () => random.normal());
    const sign = v[0]! < 0 ? -1 : 1;
    v[0]! += sign * Math.sqrt(dot(v, v));
    const scale = 2 / dot(v, v);
    // Earlier rows and columns are still those of the identity.
    for (let row = start; row < n; row++) {
      const part = q.subarray(row * n + start, (row + 1) * n);
      const along = scale * dot(part, v);
      for (let i = 0; i < part.length; i++) part[i] = -sign * (part[i]! - along * v[i]!);
    }
  }
  return q;
}

/** Uses four sums, since each addition to a single sum would wait for the one before. */
function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= a.length; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + s2 + s3;
}

/**
 * Random orthogonal blocks: a matrix [n, k·n] becomes k orthogonal matrices side by side, one per gate, so that a signal
 * neither grows nor fades over the time steps (Saxe et al., 2014).
 *
 * @param random Draws the values.
 *
 * @example
 * ```ts
 * import { matmul, Parameter, Random } from "@unfold/core";
 * import { orthogonal } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2, 2], orthogonal(new Random(1)));
 * const product = matmul(weight, weight, { transposeB: true });
 * assert.ok(Math.abs(product.data[0]! - 1) < 1e-6 && Math.abs(product.data[1]!) < 1e-6);
 * ```
 */
export function orthogonal(random: Random): Initializer {
  return (data, shape) => {
    const [n = 0, columns = 0] = shape;
    if (shape.length !== 2 || columns % n !== 0) {
      throw new TypeError(
        `Cannot initialize: an orthogonal matrix must have shape [n, k·n], got ${formatShape(shape)}`,
      );
    }
    for (let block = 0; block < columns; block += n) {
      const q = randomOrthogonal(n, random);
      for (let row = 0; row < n; row++) data.set(q.subarray(row * n, (row + 1) * n), row * columns + block);
    }
  };
}

/** Options for {@linkcode uniform}. */
export interface UniformOptions {
  /** The values are within ±bound. PyTorch's recurrent layers use 1/√hiddenSize. */
  bound: number;
}

/**
 * Uniform in ±bound.
 *
 * @param random Draws the values.
 * @throws {RangeError} If the bound is negative or not finite.
 *
 * @example
 * ```ts
 * import { Parameter, Random } from "@unfold/core";
 * import { uniform } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const { data } = new Parameter([2, 4], uniform(new Random(1), { bound: 0.1 }));
 * assert.ok(data.every((value) => Math.abs(value) <= 0.1));
 * ```
 */
export function uniform(random: Random, { bound }: UniformOptions): Initializer {
  if (!(bound >= 0 && bound < Infinity)) {
    throw new RangeError(`Cannot initialize: bound must be a finite number of 0 or more, got ${bound}`);
  }
  return (data) => {
    for (let i = 0; i < data.length; i++) data[i] = random.uniform(-bound, bound);
  };
}

/**
 * The same value for every element: 0 for a bias, 1 for a gain.
 *
 * @param value The value.
 * @throws {RangeError} If the value is not finite.
 *
 * @example
 * ```ts
 * import { constant, LSTM } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const lstm = new LSTM({ inputSize: 2, hiddenSize: 3, recurrentInitializer: constant(0) });
 * assert.ok(lstm.recurrentWeight.data.every((value) => value === 0));
 * ```
 */
export function constant(value: number): Initializer {
  if (!Number.isFinite(value)) {
    throw new RangeError(`Cannot initialize with a constant: value must be a finite number, got ${value}`);
  }
  return (data) => void data.fill(value);
}
