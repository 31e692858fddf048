import type { NamedParameters } from "@unfold/core";
import {
  GRU,
  type Layer,
  LSTM,
  type RecurrentLayer,
  type RecurrentOptions,
  type RecurrentState,
  SimpleRNN,
} from "@unfold/layers";
import { adadelta, adagrad, adam, adamW, lion, nadam, rmsprop, sgd } from "@unfold/optimizers";
import type { CellName, OptimizerName } from "./choices.ts";

/** The library's optimizers by name. */
export const OPTIMIZERS = {
  adadelta,
  adagrad,
  adam,
  adamW,
  lion,
  nadam,
  rmsprop,
  sgd,
} as const satisfies Record<OptimizerName, unknown>;

/** Makes a recurrent layer by its name. */
export function makeRecurrent(
  { cell, ...options }: RecurrentOptions & { readonly cell: CellName },
): RecurrentLayer<RecurrentState> & Layer {
  const made = cell === "lstm"
    ? new LSTM(options)
    : cell === "gru"
    ? new GRU(options)
    : new SimpleRNN({ ...options, activation: cell === "relu" ? "relu" : "tanh" });
  return made as RecurrentLayer<RecurrentState>;
}

/**
 * Checks that a network can compute: a weight that is not a number makes all that comes out none.
 *
 * @throws {RangeError} If a weight is NaN or infinite.
 */
export function checkFinite(parameters: NamedParameters): void {
  for (const [name, { data }] of Object.entries(parameters)) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new RangeError(`${name} must be finite, got ${data[at]} at position ${at}`);
  }
}
