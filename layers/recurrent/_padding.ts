import type { Tensor } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import type { Rows } from "./_product.ts";

/**
 * The padding of a batch whose sequences differ in length. A sequence has ended at time step t if t is its length or more.
 * Offsets are in bytes; the tables hold one row for each sequence of the batch at one time step.
 */
export class Padding {
  /** A copy: the caller may change its array before the backward pass. */
  readonly #lengths: readonly number[];

  /** @param lengths Time steps of each sequence; omitted if no sequence is padded. */
  constructor(lengths: readonly number[] = []) {
    this.#lengths = [...lengths];
  }

  /** Whether a sequence may have ended before the last time step. */
  get isEmpty(): boolean {
    return this.#lengths.length === 0;
  }

  /** Sets those of some rows whose sequences have ended at time step t to 0 in a table, [batch, columns]. */
  zeroRows(t: number, { from, count }: Rows, table: number, columns: number): void {
    for (let row = from; row < Math.min(from + count, this.#lengths.length); row++) {
      if (t >= this.#lengths[row]!) coreKernels.zero(table + 4 * row * columns, 4 * columns);
    }
  }

  /** Copies those of some rows whose sequences have ended at time step t from one table to another, [batch, columns]. */
  copyRows(t: number, { from: first, count }: Rows, from: number, to: number, columns: number): void {
    for (let row = first; row < Math.min(first + count, this.#lengths.length); row++) {
      const at = 4 * row * columns;
      if (t >= this.#lengths[row]!) coreKernels.copyRows(from + at, 0, to + at, 0, 1, 4 * columns);
    }
  }

  /** Adds those of some rows whose sequences have ended at time step t of one table to another, [batch, columns]. */
  addRows(t: number, { from: first, count }: Rows, from: number, to: number, columns: number): void {
    for (let row = first; row < Math.min(first + count, this.#lengths.length); row++) {
      const at = 4 * row * columns;
      if (t >= this.#lengths[row]!) coreKernels.add(from + at, to + at, to + at, 1, columns, 0, 4, 0, 4);
    }
  }

  /** Sets the padded time steps of a batch-major tensor, [batch, time, features], to 0. */
  zeroSteps({ data, shape }: Tensor): void {
    const [, time, features] = shape as [number, number, number];
    this.#lengths.forEach((length, row) => data.fill(0, (row * time + length) * features, (row + 1) * time * features));
  }
}
