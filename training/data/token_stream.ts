import { checkCounts } from "@unfold/core/support";
import { Passes } from "./_passes.ts";
import type { Batch } from "../batch.ts";
import type { State, Stateful } from "../stateful.ts";

/** A text as numbers: a typed array, or what reads them from elsewhere a piece at a time. */
export interface TokenSource {
  /** How many there are. */
  readonly length: number;
  /** Those from one to before another; what is given may be written over by the next call. */
  subarray(from: number, to: number): Int32Array | Uint16Array | Uint8Array;
}

/** Options for {@linkcode TokenStream}. */
export interface TokenStreamOptions {
  /** The text as numbers. */
  tokens: TokenSource;
  /** Streams that the text is cut into, side by side in each batch. */
  batchSize: number;
  /** Tokens of each stream in a batch; the last batch has what is left. */
  time: number;
  /**
   * The first token to use.
   *
   * @default {0}
   */
  from?: number;
  /**
   * The token after the last one to use.
   *
   * @default {the number of tokens}
   */
  to?: number;
}

/**
 * A long text for truncated back-propagation through time (Williams and Peng, 1990). Its n tokens are cut into batchSize
 * streams of ⌊(n − 1)/batchSize⌋ tokens, and each batch goes on, row by row, where the one before ended: x [batchSize, time],
 * and y of the same shape with the token after each of them. What is left over at the end of the text is not used. `first`
 * is set in the first batch of each pass, before which a model lets its state go.
 *
 * Batches are cut when they are asked for. Their tensors are written over by the next batch and released after the last.
 *
 * @example
 * ```ts
 * import { TokenStream } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const tokens = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);
 * const seen = [];
 * for (const { x, y, first } of new TokenStream({ tokens, batchSize: 2, time: 2 })) {
 *   seen.push([x.toArray(), y.toArray(), first]);
 * }
 * assert.deepEqual(seen, [
 *   [[[0, 1], [3, 4]], [[1, 2], [4, 5]], true],
 *   [[[2], [5]], [[3], [6]], false],
 * ]);
 * ```
 */
export class TokenStream implements Iterable<Batch<"i32">>, Stateful {
  readonly #options: TokenStreamOptions;
  /** Tokens in each stream. */
  readonly #perStream: number;
  readonly #passes: Passes;
  /** How many batches there are in a pass. */
  readonly length: number;

  /**
   * Checks that there are enough tokens; cuts none yet.
   *
   * @throws {RangeError} If sizes are no integers of 1 or more, `from` and `to` do not lie within the text, or there are not
   * batchSize + 1 tokens between them.
   */
  constructor(options: TokenStreamOptions) {
    const { tokens, batchSize, time, from = 0, to = tokens.length } = options;
    checkCounts("stream tokens", { batchSize, time });
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && to <= tokens.length)) {
      throw new RangeError(
        `Cannot stream tokens: from and to must be integers from 0 to ${tokens.length}, got ${from} and ${to}`,
      );
    }
    if (to - from <= batchSize) {
      throw new RangeError(
        `Cannot stream tokens: a batchSize of ${batchSize} must have at least ${batchSize + 1} tokens, got ${
          Math.max(0, to - from)
        }`,
      );
    }
    this.#options = options;
    this.#perStream = Math.floor((to - from - 1) / batchSize);
    this.length = Math.ceil(this.#perStream / time);
    this.#passes = new Passes(this.length);
  }

  /** Goes through the text once, or through what a loaded state has left of it. */
  *[Symbol.iterator](): Generator<Batch<"i32">, void, undefined> {
    const { tokens, batchSize, time, from = 0 } = this.#options;
    for (const { index, tensor } of this.#passes.run()) {
      const steps = Math.min(time, this.#perStream - index * time);
      const x = tensor("x", [batchSize, steps], "i32");
      const y = tensor("y", [batchSize, steps], "i32");
      const [xData, yData] = [x.data, y.data];
      for (let row = 0; row < batchSize; row++) {
        const start = from + row * this.#perStream + index * time;
        const piece = tokens.subarray(start, start + steps + 1);
        xData.set(piece.subarray(0, steps), row * steps);
        yData.set(piece.subarray(1), row * steps);
      }
      yield { x, y, first: index === 0 };
    }
  }

  /** Where the pass that last gave a batch stands: the batches that are done. */
  state(): State {
    return this.#passes.state();
  }

  /**
   * Goes on from what {@linkcode TokenStream.state} gave: the next pass has the batches that were left of that one.
   *
   * @throws {TypeError} If an entry is missing, unexpected, or of another kind or shape.
   * @throws {RangeError} If a pass has no such position.
   */
  load(state: State): void {
    this.#passes.load(state);
  }
}
