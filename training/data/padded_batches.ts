import type { Random } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { Batch } from "../batch.ts";
import type { State, Stateful } from "../stateful.ts";
import { Passes } from "./_passes.ts";

/** Options for {@linkcode PaddedBatches}. */
export interface PaddedBatchesOptions {
  /** The tokens of each sequence: at least one, 32-bit integers. */
  sequences: readonly ArrayLike<number>[];
  /** The class of each sequence. */
  targets: ArrayLike<number>;
  /** Sequences in a batch. One batch of each pass is smaller if they do not divide evenly. */
  batchSize: number;
  /**
   * Shuffles the sequences in each pass.
   *
   * @default {none: in the given order}
   */
  random?: Random;
  /**
   * Batches in a pool of shuffled sequences that is sorted by length. Larger pools need less padding but are less random.
   *
   * @default {50}
   */
  bucket?: number;
  /**
   * The token appended to sequences shorter than the longest in their batch.
   *
   * @default {0}
   */
  padding?: number;
}

/** The shuffled order of a pass. */
interface Order {
  readonly sequences: Uint32Array;
  readonly batches: Uint32Array;
}

/**
 * Labelled sequences of different lengths, in batches padded to their longest sequence: x [batch, longest], y [batch], and
 * `lengths`. With `random` each pass shuffles the sequences, sorts them by length within pools of `bucket` batches, so that a
 * batch holds sequences of similar length, and shuffles the batches.
 *
 * Batches are made on demand. Each batch overwrites the tensors of the one before, and the pass releases them at its end.
 *
 * @example
 * ```ts
 * import { PaddedBatches } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const batches = new PaddedBatches({ sequences: [[7, 8, 9], [5], [6, 4]], targets: [1, 0, 1], batchSize: 2 });
 * const seen = [];
 * for (const { x, y, lengths } of batches) seen.push([x.toArray(), y.toArray(), lengths]);
 * assert.deepEqual(seen, [
 *   [[[7, 8, 9], [5, 0, 0]], [1, 0], [3, 1]],
 *   [[[6, 4]], [1], [2]],
 * ]);
 * ```
 */
export class PaddedBatches implements Iterable<Batch<"i32">>, Stateful {
  readonly #options: PaddedBatchesOptions;
  readonly #passes: Passes<Order>;
  /** The number of batches in a pass. */
  readonly length: number;

  /**
   * Checks the sequences without copying them.
   *
   * @throws {TypeError} If the numbers of sequences and targets differ.
   * @throws {RangeError} If a size is not a positive integer, there are no sequences, one is empty, or a token, target or
   * `padding` is not a 32-bit integer.
   */
  constructor(options: PaddedBatchesOptions) {
    const { sequences, targets, batchSize, random, bucket = 50, padding = 0 } = options;
    checkCounts("pad sequences", { batchSize, bucket });
    if (sequences.length !== targets.length) {
      throw new TypeError(
        `Cannot pad sequences: each sequence must have one target, got ${sequences.length} sequences and ` +
          `${targets.length} targets`,
      );
    }
    if (sequences.length === 0) throw new RangeError("Cannot pad sequences: there must be at least one, got none");
    checkIntegers([padding], () => "padding");
    checkIntegers(targets, (i) => `target ${i}`);
    sequences.forEach((sequence, i) => {
      if (sequence.length === 0) {
        throw new RangeError(`Cannot pad sequences: sequence ${i} must have at least one token, got none`);
      }
      checkIntegers(sequence, (token) => `token ${token} of sequence ${i}`);
    });
    this.#options = options;
    this.length = Math.ceil(sequences.length / batchSize);
    this.#passes = new Passes(this.length, { random, draw: (random) => this.#draw(random) });
  }

  /** One pass over the sequences, or the rest of a loaded pass. */
  *[Symbol.iterator](): Generator<Batch<"i32">, void, undefined> {
    const { sequences, targets, batchSize, padding = 0 } = this.#options;
    for (const { index, order, tensor } of this.#passes.run()) {
      const first = (order?.batches[index] ?? index) * batchSize;
      const batch = Math.min(batchSize, sequences.length - first);
      const chosen = Array.from({ length: batch }, (_, row) => order?.sequences[first + row] ?? first + row);
      const lengths = chosen.map((sequence) => sequences[sequence]!.length);
      const longest = lengths.reduce((a, b) => Math.max(a, b));
      const x = tensor("x", [batch, longest], "i32");
      const y = tensor("y", [batch], "i32");
      const [xData, yData] = [x.data, y.data];
      xData.fill(padding);
      chosen.forEach((sequence, row) => {
        xData.set(sequences[sequence]!, row * longest);
        yData[row] = targets[sequence]!;
      });
      yield { x, y, lengths };
    }
  }

  #draw(random: Random): Order {
    const { sequences, batchSize, bucket = 50 } = this.#options;
    const order = random.permutation(sequences.length);
    for (let pool = 0; pool < order.length; pool += bucket * batchSize) {
      order.subarray(pool, pool + bucket * batchSize).sort((a, b) => sequences[a]!.length - sequences[b]!.length);
    }
    return { sequences: order, batches: random.permutation(this.length) };
  }

  /** The position in the current pass: the number of batches done, and the state of `random` at its start. */
  state(): State {
    return this.#passes.state();
  }

  /**
   * Restores what {@linkcode PaddedBatches.state} returned: the next pass has the batches that pass had left.
   *
   * @throws {TypeError} If an entry is missing, unexpected, or of the wrong type or shape.
   * @throws {RangeError} If the position is beyond a pass, or the state of `random` is invalid.
   */
  load(state: State): void {
    this.#passes.load(state);
  }
}

function checkIntegers(values: ArrayLike<number>, nameOf: (position: number) => string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === (value | 0)) continue;
    throw new RangeError(`Cannot pad sequences: ${nameOf(i)} must be a 32-bit integer, got ${value}`);
  }
}
