/**
 * What the baselines see of a text: how often each of its terms occurs. A term is a run of tokens, such as a word or a pair of
 * words next to each other.
 */

/** Terms of texts as rows of a sparse matrix: row i has the columns and values from `starts[i]` up to `starts[i + 1]`. */
export interface SparseRows {
  /** The number of columns. */
  readonly width: number;
  readonly starts: Int32Array;
  /** Ascending in each row. */
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/** Options of {@linkcode findTerms}. */
export interface FindTermsOptions {
  /** The number of tokens. The last one may stand for all unknown ones: see `unknown`. */
  readonly tokens: number;
  /** The token that stands for unknown ones, which is no part of a term. */
  readonly unknown: number | undefined;
  /** The most tokens in a term. */
  readonly longest: number;
  /** The fewest texts that a term of several tokens must be in. */
  readonly fewest: number;
  /** The most terms of several tokens; the ones in most texts are kept. */
  readonly most: number;
}

/**
 * Terms by number: those of one token have the token's number, longer ones follow. They form a tree: a term of several tokens is
 * a shorter term, its parent, and one more token.
 */
export class Terms {
  readonly #children = new Map<number, number>();

  /**
   * @param tokens The number of tokens.
   * @param unknown The token that stands for unknown ones.
   * @param parents For each term of several tokens: its parent, and its last token.
   */
  constructor(
    readonly tokens: number,
    readonly unknown: number | undefined,
    readonly parents: readonly (readonly [parent: number, last: number])[],
  ) {
    parents.forEach(([parent, last], i) => this.#children.set(parent * tokens + last, tokens + i));
  }

  /** The number of terms. */
  get size(): number {
    return this.tokens + this.parents.length;
  }

  /** The tokens of a term. */
  tokensOf(term: number): number[] {
    if (term < this.tokens) return [term];
    const [parent, last] = this.parents[term - this.tokens]!;
    return [...this.tokensOf(parent), last];
  }

  /** Calls a function with each term that starts at a position of a text, the shortest first. */
  at(text: ArrayLike<number>, position: number, use: (term: number, length: number) => void): void {
    let term = text[position]!;
    if (term === this.unknown) return;
    use(term, 1);
    for (let end = position + 1; end < text.length; end++) {
      const longer = this.#children.get(term * this.tokens + text[end]!);
      if (longer === undefined) return;
      term = longer;
      use(term, end - position + 1);
    }
  }

  /** How often each term occurs in texts. */
  count(texts: readonly ArrayLike<number>[]): SparseRows {
    const starts = new Int32Array(texts.length + 1);
    const rows = texts.map((text) => {
      const counts = new Map<number, number>();
      for (let i = 0; i < text.length; i++) this.at(text, i, (term) => counts.set(term, (counts.get(term) ?? 0) + 1));
      return counts;
    });
    rows.forEach(({ size }, i) => starts[i + 1] = starts[i]! + size);
    const columns = new Int32Array(starts.at(-1)!);
    const values = new Float64Array(columns.length);
    rows.forEach((counts, i) => {
      const from = starts[i]!;
      columns.set(Int32Array.from(counts.keys()).sort(), from);
      for (let at = from; at < starts[i + 1]!; at++) values[at] = counts.get(columns[at]!)!;
    });
    return { width: this.size, starts, columns, values };
  }
}

/** Finds the terms of texts, which are lists of tokens. */
export function findTerms(
  texts: readonly ArrayLike<number>[],
  { tokens, unknown, longest, fewest, most }: FindTermsOptions,
): Terms {
  let terms = new Terms(tokens, unknown, []);
  for (let length = 2; length <= longest; length++) {
    // A term can be frequent only if its parent is.
    const counts = new Map<number, number>();
    for (const text of texts) {
      const seen = new Set<number>();
      for (let i = 0; i + length <= text.length; i++) {
        const last = text[i + length - 1]!;
        if (last === unknown) continue;
        terms.at(text, i, (term, reached) => {
          if (reached === length - 1) seen.add(term * tokens + last);
        });
      }
      for (const key of seen) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const room = most - terms.parents.length;
    const frequent = [...counts].filter(([, count]) => count >= fewest);
    if (frequent.length > room) frequent.sort(([a, m], [b, n]) => n - m || a - b).splice(Math.max(0, room));
    if (frequent.length === 0) break;
    const found = frequent.map(([key]) => [Math.floor(key / tokens), key % tokens] as const);
    terms = new Terms(tokens, unknown, [...terms.parents, ...found]);
  }
  return terms;
}

/** How many texts were looked at, and how many of them have each term. */
export interface TextFrequencies {
  readonly texts: number;
  readonly having: readonly number[];
}

/** Counts the texts that have each term. */
export function textFrequencies({ width, starts, columns }: SparseRows): TextFrequencies {
  const having = new Array<number>(width).fill(0);
  for (const column of columns) having[column]!++;
  return { texts: starts.length - 1, having };
}

/** How rare each term is: ln((1 + n)/(1 + d)) + 1, where d of n texts have the term (as in scikit-learn). */
export function inverseFrequencies({ texts, having }: TextFrequencies): Float64Array {
  return Float64Array.from(having, (count) => Math.log((1 + texts) / (1 + count)) + 1);
}

/**
 * TF-IDF: (1 + ln count)·idf of each term, and rows of length 1 (Salton and Buckley, 1988; scikit-learn's `TfidfTransformer` with
 * `sublinear_tf`).
 */
export function tfIdf(counts: SparseRows, idf: ArrayLike<number>): SparseRows {
  const { starts, columns } = counts;
  const values = counts.values.map((count, at) => (1 + Math.log(count)) * idf[columns[at]!]!);
  for (let row = 0; row + 1 < starts.length; row++) {
    const part = values.subarray(starts[row], starts[row + 1]);
    const length = Math.sqrt(part.reduce((sum, value) => sum + value ** 2, 0));
    if (length > 0) part.forEach((value, i) => part[i] = value / length);
  }
  return { ...counts, values };
}
