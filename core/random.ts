import { checkCounts } from "./checks.ts";

/** The state of a {@linkcode Random}: four 32-bit integers. */
export type RandomState = readonly [number, number, number, number];

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** Four words from one, by SplitMix32 (Steele et al., 2014): each is a bijection of a counter. */
function splitMix(counter: number): RandomState {
  const next = () => {
    counter = (counter + 0x9e3779b9) | 0;
    let z = counter;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  // Setting a bit keeps the state from being all 0, which would repeat forever.
  return [next(), next(), next(), (next() | 1) >>> 0];
}

/**
 * A seeded stream of random numbers: xoshiro128** (Blackman and Vigna, 2021), with a period of 2¹²⁸ − 1. There is no global
 * seed: functions that draw numbers take a `Random`.
 *
 * @example The same seed gives the same numbers, and the state can be saved.
 * ```ts
 * import { Random } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(7);
 * const state = random.state;
 * const drawn = [random.uniform(), random.normal(), random.integer(10)];
 * random.state = state;
 * assert.deepEqual([random.uniform(), random.normal(), random.integer(10)], drawn);
 * ```
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /**
   * Starts a stream.
   *
   * @param seed An integer of at least 0 and below 2⁵³.
   * @throws {RangeError} If it is not.
   */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`Cannot seed Random: seed must be an integer from 0 to 2^53 - 1, got ${seed}`);
    }
    // Both halves are mixed separately, then joined. One word of the upper half is left unmixed, so no two
    // seeds share a state.
    const [a, b, , d] = splitMix(seed | 0);
    const [c, e] = splitMix(Math.floor(seed / 2 ** 32) ^ 0x5851f42d);
    this.state = [(a ^ e) >>> 0, (b ^ c) >>> 0, c, d];
  }

  /** A stream with an arbitrary seed, for numbers that need not be reproducible. */
  static arbitrary(): Random {
    return new Random(Math.floor(Math.random() * 2 ** 53));
  }

  /** The current state. Assign a saved state to continue from there. */
  get state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  set state(state: RandomState) {
    const words = state.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32);
    if (state.length !== 4 || !words || state.every((word) => word === 0)) {
      throw new RangeError(
        `Cannot restore Random: state must be four 32-bit integers, not all 0, got [${state.join(", ")}]`,
      );
    }
    [this.#a, this.#b, this.#c, this.#d] = state.map((word) => word | 0) as [number, number, number, number];
  }

  /** 32 random bits. */
  #bits(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotate(this.#d, 11);
    return result >>> 0;
  }

  /**
   * A new stream, seeded from the next numbers of this one. With 2¹²⁸ states, overlapping streams are too unlikely to matter.
   *
   * @example
   * ```ts
   * import { Random } from "@unfold/core";
   * import assert from "node:assert/strict";
   *
   * const random = new Random(1);
   * const shuffling = random.split();
   * assert.notEqual(shuffling.uniform(), random.uniform());
   * ```
   */
  split(): Random {
    const child = new Random(0);
    // Each word is mixed, so that the child's state is not a run of the parent's outputs.
    const word = () => splitMix(this.#bits())[0];
    child.state = [word(), word(), word(), (word() | 1) >>> 0];
    return child;
  }

  /**
   * A uniform number from `low` to `high`: low + (high − low)·u, where u is one of 2²⁴ equally likely values in [0, 1). With
   * the default bounds it is exact in 32-bit floats; with others, rounding to one may give `high`.
   *
   * @param low The lower bound, inclusive.
   * @param high The upper bound, exclusive.
   */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * ((this.#bits() >>> 8) * 2 ** -24);
  }

  /**
   * A normally distributed number, by the Box–Muller transform.
   *
   * @param mean Its mean.
   * @param deviation Its standard deviation.
   */
  normal(mean = 0, deviation = 1): number {
    // 1 − u is never 0, so that the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.#bits() * 2 ** -32));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.#bits() * 2 ** -32);
  }

  /**
   * An integer from 0 to `bound` − 1, each equally likely.
   *
   * @param bound An integer from 1 to 2³².
   * @throws {RangeError} If it is not.
   */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(`Cannot draw an integer: bound must be an integer from 1 to 2^32, got ${bound}`);
    }
    // Past the last multiple of the bound, small results would be favoured: draw again.
    const limit = 2 ** 32 - 2 ** 32 % bound;
    let bits = this.#bits();
    while (bits >= limit) bits = this.#bits();
    return bits % bound;
  }

  /**
   * The integers from 0 to n − 1 in random order (Fisher–Yates).
   *
   * @throws {RangeError} If n is not an integer of 0 or more.
   *
   * @example
   * ```ts
   * import { Random } from "@unfold/core";
   * import assert from "node:assert/strict";
   *
   * assert.deepEqual(new Random(3).permutation(5).toSorted(), Uint32Array.of(0, 1, 2, 3, 4));
   * ```
   */
  permutation(n: number): Uint32Array<ArrayBuffer> {
    checkCounts("permute", { n }, { least: 0 });
    const order = Uint32Array.from({ length: n }, (_, index) => index);
    for (let last = n - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const swapped = order[last]!;
      order[last] = order[other]!;
      order[other] = swapped;
    }
    return order;
  }
}
