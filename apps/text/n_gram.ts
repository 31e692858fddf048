import type { Part, TokenSource } from "@unfold/training";

/** Counts by key, a whole number of 0 or more up to 2⁵³: far smaller than a Map of them. */
export class CountTable {
  #keys = new Float64Array(1 << 12).fill(-1);
  #counts = new Uint32Array(1 << 12);
  #size = 0;

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** Where a key is, or would be. */
  #find(key: number): number {
    const mask = this.#keys.length - 1;
    // Multiplying both halves by odd numbers scatters keys that differ by little.
    let slot = (Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 4294967296) | 0, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    while (this.#keys[slot] !== key && this.#keys[slot] !== -1) slot = (slot + 1) & mask;
    return slot;
  }

  /** The count of a key. */
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

/** Tokens of the training part that are counted at most, its last ones. */
const MOST_COUNTED = 5_000_000;
/** Different runs of tokens that are counted at most, so that the tables stay below some 300 MB. */
const MOST_RUNS = 4_000_000;
/** Tokens that a 5-gram model looks at. */
const ORDER = 5;
/** Tokens that are read at a time. */
const PIECE = 1 << 16;

/** What models that only count need for a token, in nats: the floors that a network must go below. */
export interface Floors {
  /** All tokens alike: ln V. */
  readonly uniform: number;
  /** By how often each token occurs. */
  readonly unigram: number;
  /** By the four tokens before. */
  readonly fiveGram: number;
  /** Tokens that were counted. */
  readonly counted: number;
}

/**
 * A model of the n − 1 tokens before, smoothed after Witten and Bell (1991) as Chen and Goodman (1999) interpolate it:
 *
 *     P(w|h) = (c(h·w) + T(h)·P(w|h′))/(c(h) + T(h)),   P(w|) starts from 1/V
 *
 * c counts, T(h) is how many different tokens followed h, and h′ is h without its first token.
 */
export class NGram {
  readonly #order: number;
  readonly #size: number;
  /** Contexts by number: a context with one more token before it, as key context·V + token. 0 is the empty one. */
  readonly #contexts = new CountTable();
  #contextCount = 1;
  /** c(h·w), as key context·V + token. */
  readonly #counts = new CountTable();
  /** c(h) and T(h) by context. */
  #totals = new Uint32Array(1 << 12);
  #types = new Uint32Array(1 << 12);

  constructor(order: number, size: number) {
    this.#order = order;
    this.#size = size;
  }

  /** How many different runs of tokens have been counted. */
  get runs(): number {
    return this.#counts.size;
  }

  /** Counts a token after those before it. */
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

  /** P of a token after those before it. */
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

/** What a uniform, a unigram and a 5-gram model need for a token of one part, counted on another, in nats. */
export function floorsOf(tokens: TokenSource, size: number, train: Part, test: Part): Floors {
  const [unigram, fiveGram] = [new NGram(1, size), new NGram(ORDER, size)];
  const counted = { from: Math.max(train.from, train.to - MOST_COUNTED), to: train.to };
  let seen = 0;
  for (const { piece, at } of each(tokens, counted)) {
    unigram.add(piece, at);
    fiveGram.add(piece, at);
    seen++;
    if (fiveGram.runs >= MOST_RUNS) break;
  }
  let [unigramLoss, fiveGramLoss] = [0, 0];
  for (const { piece, at } of each(tokens, test)) {
    unigramLoss -= Math.log(unigram.probability(piece, at));
    fiveGramLoss -= Math.log(fiveGram.probability(piece, at));
  }
  const count = test.to - test.from;
  return {
    uniform: Math.log(size),
    unigram: unigramLoss / count,
    fiveGram: fiveGramLoss / count,
    counted: seen,
  };
}

/** Every token of a part, in a piece that has those before it that a 5-gram model looks at, where there are any. */
function* each(tokens: TokenSource, { from, to }: Part): Generator<{ piece: ArrayLike<number>; at: number }> {
  for (let start = from; start < to; start += PIECE) {
    const first = Math.max(from, start - (ORDER - 1));
    const piece = tokens.subarray(first, Math.min(to, start + PIECE));
    for (let at = start - first; at < piece.length; at++) yield { piece, at };
  }
}
