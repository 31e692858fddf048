import type { Tensor } from "@unfold/core";
import { coreKernels, view } from "@unfold/core/kernels";

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

  /** Sets the rows of the sequences that have ended at time step t to 0 in a table, [batch, columns]. */
  zeroRows(t: number, table: number, columns: number): void {
    for (let row = 0; row < this.#lengths.length; row++) {
      if (t >= this.#lengths[row]!) view(table + 4 * row * columns, columns).fill(0);
    }
  }

  /** Copies the rows of the sequences that have ended at time step t from one table to another, [batch, columns]. */
  copyRows(t: number, from: number, to: number, columns: number): void {
    for (let row = 0; row < this.#lengths.length; row++) {
      const at = 4 * row * columns;
      if (t >= this.#lengths[row]!) coreKernels.copyRows(from + at, 0, to + at, 0, 1, 4 * columns);
    }
  }

  /** Sets the padded time steps of a batch-major tensor, [batch, time, features], to 0. */
  zeroSteps({ data, shape }: Tensor): void {
    const [, time, features] = shape as [number, number, number];
    this.#lengths.forEach((length, row) => data.fill(0, (row * time + length) * features, (row + 1) * time * features));
  }
}
