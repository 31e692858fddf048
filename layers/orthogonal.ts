import { formatShape, type Random } from "@unfold/core";
import type { Initializer } from "./glorot_uniform.ts";

/**
 * A random orthogonal n × n matrix, each as likely as the next: a product of Householder reflections of growing size, 4/3·n³
 * operations (Stewart, 1980), which is QR of a random matrix without the matrix.
 */
function randomOrthogonal(n: number, random: Random): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let start = n - 1; start >= 0; start--) {
    const v = Float64Array.from({ length: n - start }, () => random.normal());
    const sign = v[0]! < 0 ? -1 : 1;
    v[0]! += sign * Math.sqrt(dot(v, v));
    const scale = 2 / dot(v, v);
    // The rows above and the columns before are still those of the identity.
    for (let row = start; row < n; row++) {
      const part = q.subarray(row * n + start, (row + 1) * n);
      const along = scale * dot(part, v);
      for (let i = 0; i < part.length; i++) part[i] = -sign * (part[i]! - along * v[i]!);
    }
  }
  return q;
}

/** Four sums at once: one alone would wait for itself at every step. */
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
 * Random orthogonal blocks: a matrix [n, k·n] becomes k orthogonal matrices side by side, one a gate, so that a signal
 * neither grows nor fades along the time steps (Saxe et al., 2014).
 *
 * @param random Where the numbers come from.
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
