/**
 * What the apps let a user choose, by name. No library code here: the playground's page imports it, and loads no kernels.
 *
 * @module
 */

/** The recurrent layers: `rnn` has tanh in it, `relu` is the same with ReLU. */
export const CELLS = ["lstm", "gru", "rnn", "relu"] as const;
export type CellName = (typeof CELLS)[number];

/** The optimizers of the library. */
export const OPTIMIZER_NAMES = ["adadelta", "adagrad", "adam", "adamW", "lion", "nadam", "rmsprop", "sgd"] as const;
export type OptimizerName = (typeof OPTIMIZER_NAMES)[number];
