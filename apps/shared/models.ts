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

/** Makes a recurrent layer by name. */
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
