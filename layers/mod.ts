/**
 * Recurrent and other layers, and losses.
 *
 * @example An LSTM that reads a sequence and predicts a value
 * ```ts
 * import { Random, tensor } from "@unfold/core";
 * import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(1);
 * const model = new Sequential([
 *   new LSTM({ inputSize: 1, hiddenSize: 8, random }),
 *   new LastStep(),
 *   new Dense({ inputSize: 8, outputSize: 1, random }),
 * ]);
 * const loss = meanSquaredError(model.forward(tensor([[[1], [2], [3]]])), tensor([[4]]));
 * loss.backward();
 * assert.ok(loss.item() > 0);
 * ```
 *
 * @module
 */

export { type Attended, Attention, type AttentionOptions } from "./attention.ts";
export { Dense, type DenseOptions, TiedDense, type TiedDenseOptions } from "./dense.ts";
export { Dropout, type DropoutLayerOptions } from "./dropout.ts";
export { Embedding, type EmbeddingOptions } from "./embedding.ts";
export {
  constant,
  glorotUniform,
  heNormal,
  type Initializer,
  orthogonal,
  uniform,
  type UniformOptions,
} from "./initializers.ts";
export { Lambda } from "./lambda.ts";
export type {
  DescribeLayer,
  ForwardOptions,
  Layer,
  LayerArchitecture,
  RecurrentLayer,
  RecurrentResult,
  RecurrentState,
  RunOptions,
} from "./layer.ts";
export {
  binaryCrossEntropy,
  type BinaryCrossEntropyOptions,
  softmaxCrossEntropy,
  type SoftmaxCrossEntropyOptions,
} from "./losses/classification.ts";
export type { LossOptions } from "./losses/options.ts";
export {
  gaussianNegativeLogLikelihood,
  huber,
  type HuberOptions,
  meanAbsoluteError,
  meanSquaredError,
  quantileLoss,
  type QuantileLossOptions,
} from "./losses/regression.ts";
export { LayerNorm, type LayerNormOptions } from "./normalization.ts";
export { CarriedState } from "./recurrent/carried_state.ts";
export {
  type Activation,
  type BackwardStep,
  type Cell,
  type CellDefinition,
  type CellGate,
  defineCell,
  type ForwardStep,
  type GateOptions,
  type GateSource,
  type LateGates,
  type StateNorm,
  type StepValues,
} from "./recurrent/cell.ts";
export { gradientFlow } from "./recurrent/gradient_flow.ts";
export { GRU, type GRUOptions, type GRUState } from "./recurrent/gru.ts";
export { LSTM, type LSTMState } from "./recurrent/lstm.ts";
export { FinalState, type FinalStateOptions, LastStep, MaxSteps, MeanSteps } from "./recurrent/pooling.ts";
export {
  type ComposedStep,
  type NamedStates,
  recurrentFrom,
  type RecurrentFromOptions,
} from "./recurrent/recurrent_from.ts";
export { Recurrent, type RecurrentOptions, type RecurrentPart, type RecurrentWeights } from "./recurrent/recurrent.ts";
export { SimpleRNN, type SimpleRNNOptions, type SimpleRNNState } from "./recurrent/simple_rnn.ts";
export {
  architectureOf,
  type LayerBuilder,
  loadModel,
  type LoadModelOptions,
  saveModel,
  type SaveModelOptions,
} from "./saving.ts";
export { Sequential } from "./sequential.ts";
export { type Summary, summary, type SummaryLine, type SummaryOptions } from "./summary.ts";
