import type { Random } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import { Passes } from "./_passes.ts";
import type { Batch } from "../batch.ts";
import type { State, Stateful } from "../stateful.ts";

/** Options for {@linkcode PaddedBatches}. */
export interface PaddedBatchesOptions {
  /** Tokens of each sequence, at least one; integers of 32 bits. */
  sequences: readonly ArrayLike<number>[];
  /** The class of each sequence. */
  targets: ArrayLike<number>;
  /** Sequences in a batch; one batch of a pass has what is left. */
  batchSize: number;
  /**
   * Shuffles anew each time the sequences are gone through.
   *
   * @default {none: in the given order}
   */
  random?: Random;
  /**
   * Batches in a pool, within which shuffled sequences are sorted by length: the more, the less padding and chance.
   *
   * @default {50}
   */
  bucket?: number;
  /**
   * The token that is put behind a sequence shorter than the longest in its batch.
   *
   * @default {0}
   */
  padding?: number;
}

/** What is drawn for a pass. */
interface Order {
  readonly sequences: Uint32Array;
  readonly batches: Uint32Array;
}

/**
 * Sequences of different lengths with a class each, in batches that are padded to their longest: x [batch, longest],
 * y [batch], and `lengths`. With `random` each pass shuffles the sequences, sorts them by length within pools of `bucket`
 * batches, so that those of a batch are about equally long, and shuffles the batches.
 *
 * Batches are put together when they are asked for. Their tensors are written over by the next batch and released after the
 * last.
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
  /** How many batches there are in a pass. */
  readonly length: number;

  /**
   * Looks through the sequences; copies none yet.
   *
   * @throws {TypeError} If sequences and targets are not equally many.
   * @throws {RangeError} If sizes are no integers of 1 or more, there is no sequence, one is empty, or tokens, targets or
   * padding are no integers of 32 bits.
   */
  constructor(options: PaddedBatchesOptions) {
    const { sequences, targets, batchSize, random, bucket = 50, padding = 0 } = options;
    checkCounts("pad sequences", { batchSize, bucket });
    if (sequences.length !== targets.length) {
      throw new TypeError(
        `Cannot pad sequences: sequences and targets must be equally many, got ${sequences.length} and ${targets.length}`,
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

  #draw(random: Random): Order {
    const { sequences, batchSize, bucket = 50 } = this.#options;
    const order = random.permutation(sequences.length);
    for (let pool = 0; pool < order.length; pool += bucket * batchSize) {
      order.subarray(pool, pool + bucket * batchSize).sort((a, b) => sequences[a]!.length - sequences[b]!.length);
    }
    return { sequences: order, batches: random.permutation(this.length) };
  }

  /** Goes through all sequences once, or through what a loaded state has left of them. */
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

  /** Where the pass that last gave a batch stands: the batches that are done, and the state of `random` at its start. */
  state(): State {
    return this.#passes.state();
  }

  /**
   * Goes on from what {@linkcode PaddedBatches.state} gave: the next pass has the batches that were left of that one.
   *
   * @throws {TypeError} If an entry is missing, unexpected, or of another kind or shape.
   * @throws {RangeError} If a pass has no such position, or `random` no such state.
   */
  load(state: State): void {
    this.#passes.load(state);
  }
}

function checkIntegers(values: ArrayLike<number>, nameOf: (position: number) => string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === (value | 0)) continue;
    throw new RangeError(`Cannot pad sequences: ${nameOf(i)} must be an integer of 32 bits, got ${value}`);
  }
}
