import type { Linear } from "./naive_bayes.ts";
import type { SparseRows } from "./terms.ts";

/** Options of {@linkcode fitLogistic}. */
export interface LogisticOptions {
  readonly classes: number;
  /** C, how much the texts count against small weights. */
  readonly strength: number;
  /**
   * How much each class counts.
   *
   * @default {all 1}
   */
  readonly classWeights?: readonly number[] | undefined;
  /**
   * Where to start.
   *
   * @default {zeros}
   */
  readonly start?: Linear;
  /**
   * The search ends when no slope is larger than this fraction of the largest one at zeros.
   *
   * @default {1e-4}
   */
  readonly tolerance?: number;
}

/** Steps of the search; far more than it takes. */
const MOST_STEPS = 100;
/** Steps within a step. */
const MOST_INNER_STEPS = 200;

/**
 * Multinomial logistic regression: the W and b with the smallest ½‖W‖² + C·Σ −ln softmax(b + x·W)[class] over all texts. This is a
 * convex function with one minimum, which Newton's method finds: each of its steps is solved by conjugate gradients (Lin, Weng
 * and Keerthi, 2008) and halved until it helps. The result is that of scikit-learn's `LogisticRegression`; for two classes, its C
 * is twice as large as this one, because it has one vector of weights where this has two.
 *
 * @param rows The terms of each text, such as {@linkcode tfIdf}.
 * @param targets The class of each text.
 */
export function fitLogistic(rows: SparseRows, targets: readonly number[], options: LogisticOptions): Linear {
  const { classes, start, tolerance = 1e-4 } = options;
  const problem = new Problem(rows, targets, options);
  const size = (rows.width + 1) * classes;
  const point = new Float64Array(size);
  const least = tolerance * largest(problem.at(point).slope);
  if (start !== undefined) {
    point.set(start.weight);
    point.set(start.bias, rows.width * classes);
  }
  let here = problem.at(point);
  for (let steps = 0; steps < MOST_STEPS && largest(here.slope) > least; steps++) {
    const step = newtonStep(problem, here);
    const gain = dot(here.slope, step);
    let length = 1;
    const tried = new Float64Array(size);
    let next = here;
    for (; length > 1e-10; length /= 2) {
      for (let i = 0; i < size; i++) tried[i] = point[i]! + length * step[i]!;
      next = problem.at(tried);
      if (next.value <= here.value + 1e-4 * length * gain) break;
    }
    // Rounding hides any further improvement.
    if (!(next.value < here.value)) break;
    point.set(tried);
    here = next;
  }
  return { weight: point.slice(0, rows.width * classes), bias: point.slice(rows.width * classes) };
}

/** The function at one point. */
interface Here {
  readonly value: number;
  readonly slope: Float64Array;
  /** The probabilities of the classes for each text. */
  readonly probabilities: Float64Array;
}

/** The function that is minimized. Points hold W, then b. */
class Problem {
  readonly #rows: SparseRows;
  readonly #targets: readonly number[];
  readonly #classes: number;
  /** C times the weight of its class, for each text. */
  readonly #shares: Float64Array;

  constructor(rows: SparseRows, targets: readonly number[], { classes, strength, classWeights }: LogisticOptions) {
    this.#rows = rows;
    this.#targets = targets;
    this.#classes = classes;
    this.#shares = Float64Array.from(targets, (target) => strength * (classWeights?.[target] ?? 1));
  }

  at(point: Float64Array): Here {
    const [n, count] = [this.#classes, this.#targets.length];
    const probabilities = this.#logits(point);
    let value = 0;
    const errors = new Float64Array(count * n);
    for (let row = 0; row < count; row++) {
      const p = probabilities.subarray(row * n, (row + 1) * n);
      const target = this.#targets[row]!;
      const share = this.#shares[row]!;
      value += share * softmaxLoss(p, target);
      for (let k = 0; k < n; k++) errors[row * n + k] = share * (p[k]! - Number(k === target));
    }
    const slope = this.#gather(errors);
    const weights = this.#rows.width * n;
    for (let i = 0; i < weights; i++) {
      value += point[i]! ** 2 / 2;
      slope[i]! += point[i]!;
    }
    return { value, slope, probabilities };
  }

  /** The matrix of second derivatives times a vector. */
  curvature({ probabilities }: Here, vector: Float64Array): Float64Array {
    const n = this.#classes;
    const changes = this.#logits(vector);
    for (let row = 0; row < this.#targets.length; row++) {
      const from = row * n;
      let mean = 0;
      for (let k = from; k < from + n; k++) mean += probabilities[k]! * changes[k]!;
      for (let k = from; k < from + n; k++) changes[k] = this.#shares[row]! * probabilities[k]! * (changes[k]! - mean);
    }
    const product = this.#gather(changes);
    const weights = this.#rows.width * n;
    for (let i = 0; i < weights; i++) product[i]! += vector[i]!;
    return product;
  }

  /** b + x·W for each text, [texts, classes]. */
  #logits(point: Float64Array): Float64Array {
    const { starts, columns, values, width } = this.#rows;
    const n = this.#classes;
    const logits = new Float64Array(this.#targets.length * n);
    for (let row = 0; row < this.#targets.length; row++) {
      for (let k = 0; k < n; k++) logits[row * n + k] = point[width * n + k]!;
      for (let at = starts[row]!; at < starts[row + 1]!; at++) {
        const [from, value] = [columns[at]! * n, values[at]!];
        for (let k = 0; k < n; k++) logits[row * n + k]! += value * point[from + k]!;
      }
    }
    return logits;
  }

  /** The slopes of W and b for those of the logits. */
  #gather(errors: Float64Array): Float64Array {
    const { starts, columns, values, width } = this.#rows;
    const n = this.#classes;
    const slope = new Float64Array((width + 1) * n);
    for (let row = 0; row < this.#targets.length; row++) {
      for (let k = 0; k < n; k++) slope[width * n + k]! += errors[row * n + k]!;
      for (let at = starts[row]!; at < starts[row + 1]!; at++) {
        const [to, value] = [columns[at]! * n, values[at]!];
        for (let k = 0; k < n; k++) slope[to + k]! += value * errors[row * n + k]!;
      }
    }
    return slope;
  }
}

/** Solves curvature·step = −slope by conjugate gradients, the more exactly the closer the minimum is. */
function newtonStep(problem: Problem, here: Here): Float64Array {
  const { slope } = here;
  const step = new Float64Array(slope.length);
  const rest = slope.map((value) => -value);
  const direction = rest.slice();
  let left = dot(rest, rest);
  const enough = left * Math.min(0.01, Math.sqrt(left));
  for (let i = 0; i < MOST_INNER_STEPS && left > enough; i++) {
    const bent = problem.curvature(here, direction);
    const length = left / dot(direction, bent);
    for (let j = 0; j < step.length; j++) {
      step[j]! += length * direction[j]!;
      rest[j]! -= length * bent[j]!;
    }
    const before = left;
    left = dot(rest, rest);
    for (let j = 0; j < step.length; j++) direction[j] = rest[j]! + left / before * direction[j]!;
  }
  return step;
}

/** Replaces logits by their softmax. Returns −ln of the probability of one class. */
function softmaxLoss(logits: Float64Array, target: number): number {
  let most = -Infinity;
  for (const logit of logits) most = Math.max(most, logit);
  const above = logits[target]! - most;
  let total = 0;
  for (let k = 0; k < logits.length; k++) total += logits[k] = Math.exp(logits[k]! - most);
  for (let k = 0; k < logits.length; k++) logits[k]! /= total;
  return Math.log(total) - above;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
