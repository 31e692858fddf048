import { type DType, keep, noGrad, scope, type Tensor } from "@unfold/core";
import type { Layer } from "@unfold/layers";

/** Options for {@linkcode predict}. */
export interface PredictOptions {
  /**
   * Time steps of each sequence; the steps after them are padding.
   *
   * @default {every sequence has all time steps}
   */
  lengths?: readonly number[];
}

/**
 * Runs a model without recording gradients, and releases everything but its output.
 *
 * @param model The model.
 * @param x The input.
 * @param options The lengths of padded sequences.
 * @returns The output. It lives until it is disposed of or garbage-collected.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense } from "@unfold/layers";
 * import { predict } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * model.weight.data[0] = 3;
 * assert.deepEqual(predict(model, tensor([[2]])).toArray(), [[6]]);
 * ```
 *
 * @example Sequences of different lengths
 * ```ts
 * import { Random, tensor } from "@unfold/core";
 * import { LastStep, LSTM, Sequential } from "@unfold/layers";
 * import { predict } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Sequential([new LSTM({ inputSize: 1, hiddenSize: 2, random: new Random(1) }), new LastStep()]);
 * const padded = predict(model, tensor([[[5], [0], [0]]]), { lengths: [1] });
 * assert.deepEqual(padded.data, predict(model, tensor([[[5]]])).data);
 * ```
 */
export function predict(model: Layer, x: Tensor<DType>, options: PredictOptions = {}): Tensor {
  const { lengths } = options;
  using _ = scope();
  return keep(noGrad(() => model.forward(x, lengths === undefined ? {} : { lengths })));
}
