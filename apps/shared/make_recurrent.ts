import {
  GRU,
  type Layer,
  LSTM,
  type RecurrentLayer,
  type RecurrentOptions,
  type RecurrentState,
  SimpleRNN,
} from "@unfold/layers";

/** The recurrent layers that the apps know. */
export const CELLS = ["lstm", "gru", "rnn"] as const;
export type CellName = (typeof CELLS)[number];

/** Makes a recurrent layer by its name. */
export function makeRecurrent(
  { cell, ...options }: RecurrentOptions & { readonly cell: CellName },
): RecurrentLayer<RecurrentState> & Layer {
  const made = cell === "rnn" ? new SimpleRNN(options) : cell === "gru" ? new GRU(options) : new LSTM(options);
  return made as RecurrentLayer<RecurrentState>;
}
