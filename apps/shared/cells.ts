/** The recurrent layers that the apps know: `rnn` has tanh in it, `relu` is the same with ReLU. */
export const CELLS = ["lstm", "gru", "rnn", "relu"] as const;
export type CellName = (typeof CELLS)[number];
