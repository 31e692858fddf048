import type { Classifier } from "./classifier.ts";

/** A term, and how much it speaks for a class: the change of the class's logit, relative to the mean of all classes. */
export interface TellingTerm {
  readonly term: string;
  readonly influence: number;
}

/** The most frequent tokens, of which a network classifies each by itself. */
const MOST_TOKENS = 5000;

/**
 * The terms that speak most for each class. In a bag of terms these are the terms with the largest weights (times how rare they are,
 * with TF-IDF). A network without one classifies each of the most frequent tokens by itself.
 */
export function tellingTerms(classifier: Classifier, count: number): TellingTerm[][] {
  const { classes } = classifier.config;
  const scores = classifier.network.bag === undefined ? byThemselves(classifier) : byWeight(classifier);
  return classes.map((_, k) =>
    scores.map(({ term, influences }) => ({ term, influence: influences[k]! }))
      .sort((a, b) => b.influence - a.influence).slice(0, count)
  );
}

interface Scored {
  readonly term: string;
  readonly influences: readonly number[];
}

function byWeight({ network, tokenizer, config: { classes, tokens } }: Classifier): Scored[] {
  const { terms, idf, weight } = network.bag!;
  const { data } = weight;
  return Array.from({ length: terms.size }, (_, term) => term).filter((term) => term !== terms.unknown).map((term) => ({
    term: terms.tokensOf(term).map((token) => tokenizer.textOf(token)).join(tokens === "word" ? " " : ""),
    influences: centred(classes.map((_, k) => (idf?.[term] ?? 1) * data[term * classes.length + k]!)),
  }));
}

function byThemselves(classifier: Classifier): Scored[] {
  const { size, unknown } = classifier.tokenizer;
  const tokens = Array.from({ length: Math.min(size, MOST_TOKENS) }, (_, token) => token).filter((one) =>
    one !== unknown
  );
  const logits = classifier.logitsOf(tokens.map((token) => Int32Array.of(token)));
  return tokens.map((token, i) => ({ term: classifier.tokenizer.textOf(token), influences: centred(logits[i]!) }));
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.map((value) => value - mean);
}
