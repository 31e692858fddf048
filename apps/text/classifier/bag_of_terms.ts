import { defineOp, empty, type NamedParameters, Parameter, type Tensor, zeros } from "@unfold/core";
import type { ForwardOptions, Layer } from "@unfold/layers";
import type { LayerInterchange, OnnxGraph, OnnxValue } from "@unfold/layers/interchange";
import { type SparseRows, type Terms, tfIdf } from "./terms.ts";

/** Options of {@linkcode BagOfTerms}. */
export interface BagOfTermsOptions {
  readonly terms: Terms;
  readonly classes: number;
  /** How rare each term is, for TF-IDF. Without it, terms are counted. */
  readonly idf?: ArrayLike<number> | undefined;
}

/** y = b + rows·W, for rows, W [terms, classes] and b [classes]. */
export const bagProduct: (rows: SparseRows, weight: Tensor, bias: Tensor) => Tensor = defineOp(
  "BagOfTerms",
  (rows: SparseRows, weight: Tensor, bias: Tensor) => {
    const { starts, columns, values } = rows;
    const [classes, texts] = [bias.size, starts.length - 1];
    const y = empty([texts, classes]);
    const [w, b, out] = [weight.data, bias.data, y.data];
    for (let row = 0; row < texts; row++) {
      for (let k = 0; k < classes; k++) {
        let sum = b[k]!;
        for (let at = starts[row]!; at < starts[row + 1]!; at++) sum += values[at]! * w[columns[at]! * classes + k]!;
        out[row * classes + k] = sum;
      }
    }
    return {
      inputs: [weight, bias],
      output: y,
      backward: (dy: Tensor) => {
        const [dWeight, dBias] = [zeros(weight.shape), zeros(bias.shape)];
        const [from, dw, db] = [dy.data, dWeight.data, dBias.data];
        for (let row = 0; row < texts; row++) {
          for (let k = 0; k < classes; k++) {
            const slope = from[row * classes + k]!;
            db[k]! += slope;
            for (let at = starts[row]!; at < starts[row + 1]!; at++) {
              dw[columns[at]! * classes + k]! += slope * values[at]!;
            }
          }
        }
        return [dWeight, dBias];
      },
    };
  },
);

/**
 * A linear layer over the terms of a text, in whatever order they come: y = b + Σ value·W[term], where the value of a term is
 * its count or its TF-IDF. Tokens [batch, time] and their lengths → logits [batch, classes].
 */
export class BagOfTerms implements Layer {
  readonly terms: Terms;
  readonly idf: ArrayLike<number> | undefined;
  /** W, [terms, classes]; zeros at first. */
  readonly weight: Parameter;
  /** b, [classes]; zeros at first. */
  readonly bias: Parameter;

  constructor({ terms, classes, idf }: BagOfTermsOptions) {
    this.terms = terms;
    this.idf = idf;
    this.weight = new Parameter([terms.size, classes]);
    this.bias = new Parameter([classes]);
  }

  parameters(): NamedParameters {
    return { weight: this.weight, bias: this.bias };
  }

  /** The value of each term in texts, which are lists of tokens. */
  valuesOf(texts: readonly ArrayLike<number>[]): SparseRows {
    const counts = this.terms.count(texts);
    return this.idf === undefined ? counts : tfIdf(counts, this.idf);
  }

  forward(x: Tensor<"i32">, { lengths }: ForwardOptions = {}): Tensor {
    const [batch, time] = x.shape as [number, number];
    const { data } = x;
    const texts = Array.from(
      { length: batch },
      (_, row) => data.slice(row * time, row * time + (lengths?.[row] ?? time)),
    );
    return bagProduct(this.valuesOf(texts), this.weight, this.bias);
  }
}

/** Exports the layer with ONNX's operator for runs of tokens. */
export const bagOfTermsInterchange: LayerInterchange<BagOfTerms> = {
  of: BagOfTerms,
  input: () => ({ shape: ["batch", "time"], dtype: "i32" }),
  onnx: (layer, x, graph) => {
    graph.check(layer, x, { shape: ["batch", "time"], dtype: "i32" });
    const [weight, bias] = [graph.parameter(layer.weight), graph.parameter(layer.bias)];
    const values = weighted(countNodes(layer.terms, x, graph), layer.idf, graph);
    const shape = [x.shape[0]!, layer.bias.size];
    return graph.node("Add", [graph.node("MatMul", [values, weight], { shape }), bias], { shape });
  },
};

/** The count of each term, [batch, terms]. */
function countNodes(terms: Terms, x: OnnxValue, graph: OnnxGraph): OnnxValue {
  const { lengths } = graph;
  const [batch, time] = x.shape as [string, string];
  let valid = x;
  if (lengths !== undefined) {
    // A token of the padding is none.
    const none = graph.constant(Int32Array.of(-1), []);
    const count = graph.node("Shape", [x], { shape: [2], dtype: "i64" });
    const end = graph.node("Gather", [count, graph.integers(1)], { shape: [], dtype: "i64", attributes: { axis: 0 } });
    const steps = graph.node("Range", [graph.integers(0), end, graph.integers(1)], { shape: [time], dtype: "i64" });
    const ends = graph.node("Cast", [lengths], { shape: [batch], dtype: "i64", attributes: { to: 7 } });
    const column = graph.node("Unsqueeze", [ends, graph.integers([1])], { shape: [batch, 1], dtype: "i64" });
    const isValid = graph.node("Less", [steps, column], { shape: [batch, time], dtype: "bool" });
    valid = graph.node("Where", [isValid, x, none], { shape: [batch, time], dtype: "i32" });
  }
  const byLength: number[][] = [];
  for (let term = 0; term < terms.size; term++) {
    if (term === terms.unknown) continue;
    const { length } = terms.tokensOf(term);
    (byLength[length - 1] ??= []).push(term);
  }
  const pool = byLength.map((some) => some.flatMap((term) => terms.tokensOf(term)));
  return graph.node("TfIdfVectorizer", [valid], {
    shape: [batch, terms.size],
    attributes: {
      mode: "TF",
      min_gram_length: 1,
      max_gram_length: byLength.length,
      max_skip_count: 0,
      ngram_counts: pool.map((_, i) => pool.slice(0, i).reduce((total, { length }) => total + length, 0)),
      ngram_indexes: byLength.flat(),
      pool_int64s: pool.flat(),
    },
  });
}

/** TF-IDF of counts; the counts themselves without `idf`. */
function weighted(counts: OnnxValue, idf: ArrayLike<number> | undefined, graph: OnnxGraph): OnnxValue {
  if (idf === undefined) return counts;
  const { shape } = counts;
  const number = (value: number) => graph.constant(Float32Array.of(value), []);
  const one = number(1);
  const damped = graph.node("Add", [graph.node("Log", [graph.node("Max", [counts, one], { shape })], { shape }), one], {
    shape,
  });
  // Terms that a text does not have stay 0.
  const had = graph.node("Min", [counts, one], { shape });
  const weights = graph.constant(Float32Array.from(idf), [idf.length], "idf");
  const scaled = graph.node("Mul", [graph.node("Mul", [damped, had], { shape }), weights], { shape });
  const length = graph.node("ReduceL2", [scaled], { shape: [shape[0]!, 1], attributes: { axes: [1], keepdims: 1 } });
  // A text without terms stays zeros.
  const divisor = graph.node("Max", [length, number(1e-12)], { shape: [shape[0]!, 1] });
  return graph.node("Div", [scaled, divisor], { shape });
}
