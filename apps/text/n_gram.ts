import type { Part, TokenSource } from "@unfold/training";

/** The maximum number of tokens that the baselines count: the last ones of the training part. */
const MOST_COUNTED = 5_000_000;
/** The number of distinct n-grams at which counting stops, which keeps the tables below about 300 MB. */
const MOST_RUNS = 4_000_000;
/** The n of the 5-gram model. */
const ORDER = 5;
/** Tokens read at a time. */
const CHUNK = 1 << 16;

/** Losses of the n-gram baselines, in nats per token. */
export interface Floors {
  /** Every token is equally likely: ln V. */
  readonly uniform: number;
  /** Token frequencies. */
  readonly unigram: number;
  /** Frequencies given the four tokens before. */
  readonly fiveGram: number;
  /** The number of tokens counted. */
  readonly counted: number;
}

/** Losses of a uniform, a unigram and a 5-gram model, counted on one part and evaluated on another. */
export function floorsOf(tokens: TokenSource, size: number, train: Part, test: Part): Floors {
  const [unigram, fiveGram] = [new NGram(1, size), new NGram(ORDER, size)];
  const counted = { from: Math.max(train.from, train.to - MOST_COUNTED), to: train.to };
  let seen = 0;
  for (const { chunk, at } of each(tokens, counted)) {
    unigram.add(chunk, at);
    fiveGram.add(chunk, at);
    seen++;
    if (fiveGram.runs >= MOST_RUNS) break;
  }
  let [unigramLoss, fiveGramLoss] = [0, 0];
  for (const { chunk, at } of each(tokens, test)) {
    unigramLoss -= Math.log(unigram.probability(chunk, at));
    fiveGramLoss -= Math.log(fiveGram.probability(chunk, at));
  }
  const count = test.to - test.from;
  return {
    uniform: Math.log(size),
    unigram: unigramLoss / count,
    fiveGram: fiveGramLoss / count,
    counted: seen,
  };
}

/** Yields each token of a part as a position in a chunk, which also holds the context that a 5-gram model needs. */
function* each(tokens: TokenSource, { from, to }: Part): Generator<{ chunk: ArrayLike<number>; at: number }> {
  for (let start = from; start < to; start += CHUNK) {
    const first = Math.max(from, start - (ORDER - 1));
    const chunk = tokens.subarray(first, Math.min(to, start + CHUNK));
    for (let at = start - first; at < chunk.length; at++) yield { chunk, at };
  }
}

/**
 * An n-gram model with Witten-Bell smoothing (Witten and Bell, 1991), interpolated as in Chen and Goodman (1999):
 *
 *     P(w|h) = (c(h·w) + T(h)·P(w|h′))/(c(h) + T(h)),   with P(w) smoothed by 1/V
 *
 * c is a count, T(h) the number of different tokens seen after h, and h′ is h without its first token.
 */
export class NGram {
  readonly #order: number;
  readonly #size: number;
  /** Context ids: prepending a token to a context gives the id stored under context·V + token. Id 0 is empty. */
  readonly #contexts = new CountTable();
  #contextCount = 1;
  /** c(h·w), under context·V + token. */
  readonly #counts = new CountTable();
  /** c(h) and T(h) by context id. */
  #totals = new Uint32Array(1 << 12);
  #types = new Uint32Array(1 << 12);

  constructor(order: number, size: number) {
    this.#order = order;
    this.#size = size;
  }

  /** The number of different n-grams counted. */
  get runs(): number {
    return this.#counts.size;
  }

  /** Counts the token at a position after the tokens before it. */
  add(tokens: ArrayLike<number>, at: number): void {
    let context = 0;
    for (let length = 0;; length++) {
      const key = context * this.#size + tokens[at]!;
      const count = this.#counts.get(key);
      this.#counts.set(key, count + 1);
      this.#totals[context]!++;
      if (count === 0) this.#types[context]!++;
      if (length === this.#order - 1 || length === at) return;
      context = this.#longer(context, tokens[at - 1 - length]!);
    }
  }

  /** The id of a context with one more token before it. */
  #longer(context: number, token: number): number {
    const key = context * this.#size + token;
    const known = this.#contexts.get(key);
    if (known > 0) return known;
    const made = this.#contextCount++;
    this.#contexts.set(key, made);
    if (made === this.#totals.length) {
      const grown = (values: Uint32Array) => {
        const larger = new Uint32Array(2 * values.length);
        larger.set(values);
        return larger;
      };
      [this.#totals, this.#types] = [grown(this.#totals), grown(this.#types)];
    }
    return made;
  }

  /** The probability of the token at a position, given the tokens before it. */
  probability(tokens: ArrayLike<number>, at: number): number {
    let [context, probability] = [0, 1 / this.#size];
    for (let length = 0;; length++) {
      const types = this.#types[context]!;
      const count = this.#counts.get(context * this.#size + tokens[at]!);
      probability = (count + types * probability) / (this.#totals[context]! + types || 1);
      if (length === this.#order - 1 || length === at) return probability;
      context = this.#contexts.get(context * this.#size + tokens[at - 1 - length]!);
      if (context === 0) return probability;
    }
  }
}

/** A hash table of counts under non-negative integer keys up to 2⁵³. It takes far less memory than a Map. */
export class CountTable {
  #keys = new Float64Array(1 << 12).fill(-1);
  #counts = new Uint32Array(1 << 12);
  #size = 0;

  /** The number of keys. */
  get size(): number {
    return this.#size;
  }

  /** The slot of a key, or the free slot for it. */
  #find(key: number): number {
    const mask = this.#keys.length - 1;
    // Multiplying both halves by odd constants scatters keys that are close to each other.
    let slot = (Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 4294967296) | 0, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    while (this.#keys[slot] !== key && this.#keys[slot] !== -1) slot = (slot + 1) & mask;
    return slot;
  }

  /** The count of a key, 0 if it is not in the table. */
  get(key: number): number {
    const slot = this.#find(key);
    return this.#keys[slot] === key ? this.#counts[slot]! : 0;
  }

  /** Sets the count of a key. */
  set(key: number, count: number): void {
    const slot = this.#find(key);
    const isNew = this.#keys[slot] === -1;
    this.#keys[slot] = key;
    this.#counts[slot] = count;
    if (!isNew || ++this.#size * 2 < this.#keys.length) return;
    const [keys, counts] = [this.#keys, this.#counts];
    this.#keys = new Float64Array(2 * keys.length).fill(-1);
    this.#counts = new Uint32Array(2 * keys.length);
    keys.forEach((key, old) => {
      if (key === -1) return;
      const slot = this.#find(key);
      this.#keys[slot] = key;
      this.#counts[slot] = counts[old]!;
    });
  }
}
