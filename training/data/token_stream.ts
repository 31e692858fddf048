import { checkCounts } from "@unfold/core/support";
import type { Batch } from "../batch.ts";
import type { State, Stateful } from "../stateful.ts";
import { Passes } from "./_passes.ts";

/** A text as token ids: a typed array, or an object that reads them on demand. */
export interface TokenSource {
  /** The number of tokens. */
  readonly length: number;
  /** The tokens from `from` (inclusive) to `to` (exclusive). The next call may overwrite them. */
  subarray(from: number, to: number): Int32Array | Uint16Array | Uint8Array;
}

/** Options for {@linkcode TokenStream}. */
export interface TokenStreamOptions {
  /** The text as token ids. */
  tokens: TokenSource;
  /** The number of parallel streams that the text is cut into, one per row of a batch. */
  batchSize: number;
  /** Tokens per stream in a batch. The last batch of a pass can be shorter. */
  time: number;
  /**
   * The first token to use.
   *
   * @default {0}
   */
  from?: number;
  /**
   * The end of the tokens to use, exclusive.
   *
   * @default {the number of tokens}
   */
  to?: number;
}

/**
 * A long text for truncated back-propagation through time (Williams and Peng, 1990). Its n tokens are cut into batchSize
 * streams of ⌊(n − 1)/batchSize⌋ tokens; what remains at the end is not used. Each row of a batch continues where the same row of
 * the previous batch ended. x is [batchSize, time], and y, of the same shape, holds the token after each one in x. `first` is
 * set on the first batch of each pass, so that the model resets its carried state.
 *
 * Batches are cut on demand. Each batch overwrites the tensors of the one before, and the pass releases them at its end.
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
  /** The number of batches in a pass. */
  readonly length: number;

  /**
   * Checks that there are enough tokens. Cuts none yet.
   *
   * @throws {RangeError} If a size is not a positive integer, `from` or `to` is outside the text, or there are fewer than
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
    const count = Math.max(0, to - from);
    if (count <= batchSize) {
      throw new RangeError(
        `Cannot stream tokens: a batchSize of ${batchSize} needs at least ${batchSize + 1} tokens, got ${count}`,
      );
    }
    this.#options = options;
    this.#perStream = Math.floor((count - 1) / batchSize);
    this.length = Math.ceil(this.#perStream / time);
    this.#passes = new Passes(this.length);
  }

  /** One pass over the text, or the rest of a loaded pass. */
  *[Symbol.iterator](): Generator<Batch<"i32">, void, undefined> {
    const { tokens, batchSize, time, from = 0 } = this.#options;
    for (const { index, tensor } of this.#passes.run()) {
      const steps = Math.min(time, this.#perStream - index * time);
      const x = tensor("x", [batchSize, steps], "i32");
      const y = tensor("y", [batchSize, steps], "i32");
      const [xData, yData] = [x.data, y.data];
      for (let row = 0; row < batchSize; row++) {
        const start = from + row * this.#perStream + index * time;
        const span = tokens.subarray(start, start + steps + 1);
        xData.set(span.subarray(0, steps), row * steps);
        yData.set(span.subarray(1), row * steps);
      }
      yield { x, y, first: index === 0 };
    }
  }

  /** The position in the current pass: the number of batches done. */
  state(): State {
    return this.#passes.state();
  }

  /**
   * Restores what {@linkcode TokenStream.state} returned: the next pass has the batches that pass had left.
   *
   * @throws {TypeError} If an entry is missing, unexpected, or of the wrong type or shape.
   * @throws {RangeError} If the position is beyond a pass.
   */
  load(state: State): void {
    this.#passes.load(state);
  }
}
