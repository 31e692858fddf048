import {
  GRU,
  type Layer,
  LSTM,
  type RecurrentLayer,
  type RecurrentOptions,
  type RecurrentState,
  SimpleRNN,
} from "@unfold/layers";

/** The recurrent layers that the apps know: `rnn` has tanh in it, `relu` is the same with ReLU. */
export const CELLS = ["lstm", "gru", "rnn", "relu"] as const;
export type CellName = (typeof CELLS)[number];

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
