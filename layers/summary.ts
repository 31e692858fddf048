import { noGrad, scope, type Shape, type Tensor, zeros } from "@unfold/core";
import type { Sequential } from "./sequential.ts";

/** One line of a {@linkcode summary}. */
export interface SummaryLine {
  /** The layer's index and class, such as `0 LSTM`. */
  readonly layer: string;
  /** The shape of its output. */
  readonly output: Shape;
  /** The number of elements in its parameters. */
  readonly parameters: number;
}

/** What {@linkcode summary} returns. */
export interface Summary {
  /** One line per layer. */
  readonly lines: readonly SummaryLine[];
  /** The number of elements in all parameters. */
  readonly parameters: number;
  /** The summary as a text table with one line per layer. */
  toString(): string;
}

/** Options for {@linkcode summary}. */
export interface SummaryOptions {
  /**
   * The element type of the input: integers for tokens.
   *
   * @default {"f32"}
   */
  dtype?: "f32" | "i32";
}

/**
 * Summarizes a model: each layer with its output shape and its number of parameters. Runs the model on zeros to find the
 * shapes.
 *
 * @param model The model.
 * @param inputShape The shape of its input, such as [batch, time, features].
 *
 * @example
 * ```ts
 * import { Dense, LastStep, LSTM, Sequential, summary } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const model = new Sequential([
 *   new LSTM({ inputSize: 8, hiddenSize: 64 }),
 *   new LastStep(),
 *   new Dense({ inputSize: 64, outputSize: 1 }),
 * ]);
 * const { lines, parameters } = summary(model, [32, 30, 8]);
 * assert.deepEqual(lines[0], { layer: "0 LSTM", output: [32, 30, 64], parameters: 18_688 });
 * assert.equal(parameters, 18_753);
 * ```
 */
export function summary(model: Sequential, inputShape: Shape, options: SummaryOptions = {}): Summary {
  using _ = scope();
  let x = zeros(inputShape, { dtype: options.dtype ?? "f32" }) as Tensor;
  const lines = model.layers.map((layer, index): SummaryLine => {
    x = noGrad(() => layer.forward(x));
    const parameters = Object.values(layer.parameters()).reduce((total, { size }) => total + size, 0);
    return { layer: `${index} ${layer.constructor.name}`, output: x.shape, parameters };
  });
  const parameters = lines.reduce((total, line) => total + line.parameters, 0);
  return { lines, parameters, toString: () => tableOf(lines, parameters) };
}

function tableOf(lines: readonly SummaryLine[], total: number): string {
  const rows = [
    ["layer", "output", "parameters"],
    ...lines.map(({ layer, output, parameters }) => [layer, `[${output.join(", ")}]`, parameters.toLocaleString("en")]),
    ["all", "", total.toLocaleString("en")],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(([layer, output, parameters]) => {
    return `${layer!.padEnd(widths[0]!)}  ${output!.padEnd(widths[1]!)}  ${parameters!.padStart(widths[2]!)}`;
  }).join("\n");
}
