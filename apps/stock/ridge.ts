import { type DType, matmul, reshape, scope, type Tensor } from "@unfold/core";
import type { Batch } from "@unfold/training";

/** Penalties to choose among, a sample each: from almost none to almost nothing but the mean. */
const PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

/**
 * Ridge regression on whole windows (Hoerl and Kennard, 1970), the straight line that a network must beat:
 *
 *     ŷ = b + Σ wᵢ·xᵢ,   w = (XᵀX + n·λ·1)⁻¹·Xᵀy,   columns and y centred
 *
 * x are the numbers of a window, y is the last target column.
 */
export class Ridge {
  readonly #weights: Float64Array;
  readonly #bias: number;

  private constructor(weights: Float64Array, bias: number) {
    this.#weights = weights;
    this.#bias = bias;
  }

  /**
   * Fits the weights.
   *
   * @param train What to learn from.
   * @param validation What to choose λ by; without it λ = 0, which is least squares.
   */
  static fit(train: Iterable<Batch>, validation?: Iterable<Batch>): Ridge {
    const moments = momentsOf(train);
    if (validation === undefined) return Ridge.#solve(moments, 0);
    const candidates = PENALTIES.map((penalty) => ({ ridge: Ridge.#solve(moments, penalty), error: 0 }));
    for (const { x, y } of validation) {
      const actual = lastColumn(y);
      for (const candidate of candidates) {
        candidate.ridge.predict(x).forEach((value, i) => candidate.error += (value - actual[i]!) ** 2);
      }
    }
    return candidates.reduce((best, one) => one.error < best.error ? one : best).ridge;
  }

  static #solve({ count, meanX, meanY, xx, xy }: Moments, penalty: number): Ridge {
    const weights = solvePositiveDefinite(xx, xy, count * penalty);
    return new Ridge(weights, meanY - weights.reduce((total, weight, i) => total + weight * meanX[i]!, 0));
  }

  /** ŷ of each window, [batch, time, features]. */
  predict(x: Tensor<DType>): Float64Array {
    const weights = this.#weights;
    const data = x.data;
    return Float64Array.from({ length: x.shape[0]! }, (_, row) => {
      let total = this.#bias;
      for (let i = 0; i < weights.length; i++) total += weights[i]! * data[row * weights.length + i]!;
      return total;
    });
  }
}

function lastColumn(y: Tensor): Float64Array {
  const [rows, columns] = y.shape as [number, number];
  return Float64Array.from({ length: rows }, (_, row) => y.data[(row + 1) * columns - 1]!);
}

/** Means, and sums of centred products. */
interface Moments {
  readonly count: number;
  readonly meanX: Float64Array;
  readonly meanY: number;
  readonly xx: Float64Array;
  readonly xy: Float64Array;
}

/** Products are summed a batch at a time in 32 bits by the library's kernels, the batches in 64. */
function momentsOf(batches: Iterable<Batch>): Moments {
  let [count, meanY] = [0, 0];
  let [meanX, xx, xy] = [new Float64Array(), new Float64Array(), new Float64Array()];
  for (const { x, y } of batches) {
    using _ = scope();
    const batch = x.shape[0]!;
    const rows = reshape(x as Tensor, [batch, x.size / batch]);
    const size = rows.shape[1]!;
    if (count === 0) [meanX, xx, xy] = [new Float64Array(size), new Float64Array(size * size), new Float64Array(size)];
    const target = lastColumn(y);
    const products = matmul(rows, rows, { transposeA: true }).data;
    for (let i = 0; i < xx.length; i++) xx[i]! += products[i]!;
    const data = rows.data;
    target.forEach((value, row) => {
      meanY += value;
      for (let i = 0; i < size; i++) {
        const number = data[row * size + i]!;
        meanX[i]! += number;
        xy[i]! += number * value;
      }
    });
    count += batch;
  }
  const size = meanX.length;
  meanY /= count;
  for (let i = 0; i < size; i++) meanX[i]! /= count;
  for (let i = 0; i < size; i++) {
    xy[i]! -= count * meanX[i]! * meanY;
    for (let j = 0; j < size; j++) xx[i * size + j]! -= count * meanX[i]! * meanX[j]!;
  }
  return { count, meanX, meanY, xx, xy };
}

/** Solves (A + λ·1)·w = b for a symmetric A by Cholesky's factors; a column that tells nothing new gets no weight. */
function solvePositiveDefinite(a: Float64Array, b: Float64Array, lambda: number): Float64Array {
  const size = b.length;
  const factor = a.slice();
  const w = b.slice();
  for (let i = 0; i < size; i++) {
    const row = factor.subarray(i * size, (i + 1) * size);
    for (let j = 0; j < i; j++) {
      const other = factor.subarray(j * size, (j + 1) * size);
      let total = row[j]!;
      for (let k = 0; k < j; k++) total -= row[k]! * other[k]!;
      row[j] = other[j] === Infinity ? 0 : total / other[j]!;
    }
    let rest = row[i]! + lambda;
    for (let k = 0; k < i; k++) rest -= row[k]! ** 2;
    // What is left of a column that others add up to is rounding.
    row[i] = rest > 1e-7 * (a[i * size + i]! + lambda) ? Math.sqrt(rest) : Infinity;
    for (let k = 0; k < i; k++) w[i]! -= row[k]! * w[k]!;
    w[i]! /= row[i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) w[i]! -= factor[k * size + i]! * w[k]!;
    w[i]! /= factor[i * size + i]!;
  }
  return w;
}
