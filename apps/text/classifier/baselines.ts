import { logLoss } from "@unfold/training";
import { Random } from "@unfold/core";
import { Classifier, type ClassifierConfig, type Prediction } from "./classifier.ts";
import { fitLogistic } from "./logistic.ts";
import { fitNaiveBayes, type Linear } from "./naive_bayes.ts";
import { findTerms, inverseFrequencies, type Terms, textFrequencies, tfIdf } from "./terms.ts";
import { ClassifierTokenizer, type ClassifierTokens } from "./tokens.ts";

/** Texts as tokens, and their classes. */
export interface Labelled {
  readonly texts: readonly Int32Array[];
  readonly targets: readonly number[];
}

/** What baselines have in common. */
interface BaselineOptions {
  readonly tokens: ClassifierTokens;
  readonly vocabulary: readonly string[];
  readonly classes: readonly string[];
  /** Whether rare classes count as much as large ones. */
  readonly balanced: boolean;
}

/** The most weights of a baseline. */
const MOST_WEIGHTS = 4e6;
/** The most tokens in a term. */
const LONGEST: Readonly<Record<ClassifierTokens, number>> = { word: 2, char: 4, byte: 4 };
/** The values of C that logistic regression tries. */
const STRENGTHS = [1, 10, 100];

/** The terms of texts that baselines look at. */
export function termsOf(texts: readonly Int32Array[], { tokens, vocabulary, classes }: BaselineOptions): Terms {
  const { size, unknown } = new ClassifierTokenizer(tokens, vocabulary);
  const most = Math.max(0, Math.floor(MOST_WEIGHTS / classes.length) - size);
  return findTerms(texts, { tokens: size, unknown, longest: LONGEST[tokens], fewest: 1, most });
}

/** Weights of classes with which all have the same weight in total: n/(classes·the texts of the class). */
export function balancedWeights(targets: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const target of targets) counts[target]!++;
  return counts.map((count) => targets.length / (classes * count));
}

/** Fits naive Bayes over words and word pairs, or over runs of characters. */
export function trainNaiveBayes(texts: Labelled, options: BaselineOptions): Classifier {
  const terms = termsOf(texts.texts, options);
  const linear = fitNaiveBayes(terms.count(texts.texts), texts.targets, {
    classes: options.classes.length,
    balanced: options.balanced,
  });
  return linearClassifier("naive-bayes", linear, terms, options);
}

/**
 * Fits logistic regression over the TF-IDF of the same terms. The strength C with the smallest log loss on the validation part is
 * used for a fit to both parts.
 */
export function trainLogistic(
  { train, validation }: { readonly train: Labelled; readonly validation: Labelled },
  options: BaselineOptions,
): { readonly classifier: Classifier; readonly strength: number } {
  const classes = options.classes.length;
  const fitter = ({ texts, targets }: Labelled) => {
    const terms = termsOf(texts, options);
    const counts = terms.count(texts);
    const frequencies = textFrequencies(counts);
    const rows = tfIdf(counts, inverseFrequencies(frequencies));
    const classWeights = options.balanced ? balancedWeights(targets, classes) : undefined;
    let start: Linear | undefined;
    return (strength: number) => {
      start = fitLogistic(rows, targets, { classes, strength, classWeights, ...(start && { start }) });
      return linearClassifier("logistic", start, terms, options, frequencies);
    };
  };
  const fit = fitter(train);
  const losses = STRENGTHS.map((strength) =>
    logLoss(fit(strength).predictTokens(validation.texts).map(({ probabilities }) => probabilities), validation.targets)
  );
  const strength = STRENGTHS[losses.indexOf(Math.min(...losses))]!;
  const both = {
    texts: [...train.texts, ...validation.texts],
    targets: [...train.targets, ...validation.targets],
  };
  return { classifier: fitter(both)(strength), strength };
}

/** Predictions that give each class the share of texts that it has in training, whatever the text. */
export function majorityPredictions(
  targets: readonly number[],
  { classes, count }: { readonly classes: readonly string[]; readonly count: number },
): Prediction[] {
  const probabilities = classes.map((_, index) => targets.filter((target) => target === index).length / targets.length);
  const index = probabilities.indexOf(Math.max(...probabilities));
  return new Array(count).fill({ index, label: classes[index]!, probabilities });
}

function linearClassifier(
  model: "naive-bayes" | "logistic",
  { weight, bias }: Linear,
  terms: Terms,
  { tokens, vocabulary, classes }: BaselineOptions,
  frequencies?: ReturnType<typeof textFrequencies>,
): Classifier {
  const bag = { parents: terms.parents.flat(), ...(frequencies && { frequencies }) };
  const config: ClassifierConfig = { model, tokens, vocabulary, classes, bag };
  const classifier = new Classifier(config, new Random(0));
  const { bag: layer } = classifier.network;
  layer!.weight.data.set(centred(weight, classes.length));
  layer!.bias.data.set(centred(bias, classes.length));
  return classifier;
}

/** Rows minus their means. The probabilities stay the same, and small differences survive in 32-bit floats. */
function centred(values: Float64Array, columns: number): Float64Array {
  const result = values.slice();
  for (let from = 0; from < result.length; from += columns) {
    const row = result.subarray(from, from + columns);
    const mean = row.reduce((a, b) => a + b, 0) / columns;
    row.forEach((value, i) => row[i] = value - mean);
  }
  return result;
}
