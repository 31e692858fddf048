import {
  GRU,
  type Layer,
  LSTM,
  type RecurrentLayer,
  type RecurrentOptions,
  type RecurrentState,
  SimpleRNN,
} from "@unfold/layers";
import type { CellName } from "./cells.ts";

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
