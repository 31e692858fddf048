import type { SparseRows } from "./terms.ts";

/** A linear function from terms to the logits of classes: logits = b + Σ value·W[term]. */
export interface Linear {
  /** W, [terms, classes]. */
  readonly weight: Float64Array;
  /** b, [classes]. */
  readonly bias: Float64Array;
}

/**
 * Multinomial naive Bayes: P(class|text) ∝ P(class)·Π P(term|class)^count, with P(term|class) = (its count in texts of the class
 * + α)/(all counts in them + α·terms) (Manning, Raghavan and Schütze, 2008, chapter 13; scikit-learn's `MultinomialNB`).
 *
 * @param counts How often each term occurs in each text.
 * @param targets The class of each text.
 * @param options The number of classes; α; and whether all classes are taken to be equally frequent.
 */
export function fitNaiveBayes(
  { width, starts, columns, values }: SparseRows,
  targets: readonly number[],
  { classes, smoothing = 1, balanced = false }: {
    readonly classes: number;
    readonly smoothing?: number;
    readonly balanced?: boolean;
  },
): Linear {
  const weight = new Float64Array(width * classes).fill(smoothing);
  // A column that no text has, such as that of unknown tokens, is no term.
  const terms = new Set(columns).size;
  const totals = new Float64Array(classes).fill(smoothing * terms);
  const texts = new Float64Array(classes);
  targets.forEach((target, row) => {
    texts[target]!++;
    for (let at = starts[row]!; at < starts[row + 1]!; at++) {
      weight[columns[at]! * classes + target]! += values[at]!;
      totals[target]! += values[at]!;
    }
  });
  for (let i = 0; i < weight.length; i++) weight[i] = Math.log(weight[i]! / totals[i % classes]!);
  const bias = texts.map((count) => Math.log(balanced ? 1 / classes : count / targets.length));
  return { weight, bias };
}
