import type { Random } from "@unfold/core";
import type { Initializer } from "./glorot_uniform.ts";

/** A random n × n matrix with orthonormal rows, row by row in one array: Gram–Schmidt, twice over for full precision. */
function orthonormalRows(n: number, random: Random): Float64Array[] {
  const rows: Float64Array[] = [];
  while (rows.length < n) {
    const row = Float64Array.from({ length: n }, () => random.normal());
    for (const other of [...rows, ...rows]) {
      let dot = 0;
      for (let i = 0; i < n; i++) dot += row[i]! * other[i]!;
      for (let i = 0; i < n; i++) row[i]! -= dot * other[i]!;
    }
    const norm = Math.hypot(...row);
    // A draw that nearly depends on the earlier rows would lose its precision: draw again.
    if (norm > 1e-3) rows.push(row.map((value) => value / norm));
  }
  return rows;
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
        `Cannot initialize: an orthogonal matrix must have shape [n, k·n], got [${shape.join(", ")}]`,
      );
    }
    for (let block = 0; block < columns; block += n) {
      orthonormalRows(n, random).forEach((row, index) => data.set(row, index * columns + block));
    }
  };
}
