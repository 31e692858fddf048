import { checkCounts } from "./checks.ts";

/** The state of a {@linkcode Random}: four 32-bit integers. */
export type RandomState = readonly [number, number, number, number];

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** Four words from one, by SplitMix32 (Steele et al., 2014): a bijection of a counter for each. */
function splitMix(counter: number): RandomState {
  const next = () => {
    counter = (counter + 0x9e3779b9) | 0;
    let z = counter;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  // The bit keeps the state from being all 0, where the stream would stand still.
  return [next(), next(), next(), (next() | 1) >>> 0];
}

/**
 * A seeded stream of random numbers: xoshiro128** (Blackman and Vigna, 2021), period 2¹²⁸ − 1. There is no global seed:
 * whatever draws numbers is passed one of these.
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
   * @throws {RangeError} If the seed is anything else.
   */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`Cannot seed Random: seed must be an integer of 0 or more and below 2^53, got ${seed}`);
    }
    // Both halves are mixed apart and then joined, one word of the upper half staying as it is: no two seeds share a state.
    const [a, b, , d] = splitMix(seed | 0);
    const [c, e] = splitMix(Math.floor(seed / 2 ** 32) ^ 0x5851f42d);
    this.state = [(a ^ e) >>> 0, (b ^ c) >>> 0, c, d];
  }

  /** A stream with an arbitrary seed, for numbers that need not be had again. */
  static arbitrary(): Random {
    return new Random(Math.floor(Math.random() * 2 ** 53));
  }

  /** Where the stream stands; assign a saved state to go on from there. */
  get state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  set state(state: RandomState) {
    const words = state.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32);
    if (state.length !== 4 || !words || state.every((word) => word === 0)) {
      throw new RangeError(
        `Cannot restore Random: state must be four integers of 32 bits, not all 0, got [${state.join(", ")}]`,
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
   * A stream of its own, seeded from the next numbers of this one. Of 2¹²⁸ states, two streams meet by no chance that matters.
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
    // Each word is mixed, so that the child's state is no run of the parent's outputs.
    const word = () => splitMix(this.#bits())[0];
    child.state = [word(), word(), word(), (word() | 1) >>> 0];
    return child;
  }

  /**
   * A number from `low` up to `high`: low + (high − low)·u with u one of 2²⁴ equally likely numbers from 0 up to but not
   * including 1. From 0 to 1 it is exact in 32-bit floats; elsewhere rounding to one may reach `high`.
   *
   * @param low The least value.
   * @param high The bound.
   */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * ((this.#bits() >>> 8) * 2 ** -24);
  }

  /**
   * A number of the normal distribution, by the Box–Muller transform.
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
   * An integer from 0 up to but not including `bound`, each equally likely.
   *
   * @param bound From 1 to 2³².
   * @throws {RangeError} If the bound is anything else.
   */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(`Cannot draw an integer: bound must be an integer from 1 to 2^32, got ${bound}`);
    }
    // The top of the range that is no multiple of the bound would favour small results: draw again.
    const limit = 2 ** 32 - 2 ** 32 % bound;
    let bits = this.#bits();
    while (bits >= limit) bits = this.#bits();
    return bits % bound;
  }

  /**
   * The integers from 0 to n − 1 in random order (Fisher–Yates).
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
