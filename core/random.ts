/** The state of a {@linkcode Random}: four 32-bit integers. */
export type RandomState = readonly [number, number, number, number];

/** The jump polynomial of xoshiro128: 2⁶⁴ draws at once. */
const JUMP = [0x8764000b, 0xf542d2d3, 0x6fa035c3, 0x77f2db5b];

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
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
    // SplitMix32 over the lower half fills the state, so that neighbouring seeds give unrelated streams.
    let counter = seed >>> 0;
    const next = () => {
      counter = (counter + 0x9e3779b9) | 0;
      let z = counter;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.state = [next(), next(), next() ^ Math.floor(seed / 2 ** 32), next() | 1];
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
    if (state.length !== 4 || !state.every(Number.isInteger) || state.every((word) => word === 0)) {
      throw new RangeError(`Cannot restore Random: state must be four integers, not all 0, got [${state.join(", ")}]`);
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
   * A stream of its own: 2⁶⁴ numbers of this one, which skips them.
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
    child.state = this.state;
    const sum: [number, number, number, number] = [0, 0, 0, 0];
    for (const word of JUMP) {
      for (let bit = 0; bit < 32; bit++) {
        if (word & (1 << bit)) this.state.forEach((part, index) => sum[index]! ^= part);
        this.#bits();
      }
    }
    this.state = sum;
    return child;
  }

  /**
   * A number from `low` up to but not including `high`, of 2²⁴ equally likely ones: exact in 32-bit floats.
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
