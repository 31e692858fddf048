/**
 * The names that users choose from. This file has nothing else: the playground's page imports it and must not load
 * kernels.
 *
 * @module
 */

/** The recurrent layers. `rnn` is a simple RNN with tanh, `relu` the same with ReLU. */
export const CELLS = ["lstm", "gru", "rnn", "relu"] as const;
export type CellName = (typeof CELLS)[number];

/** The library's optimizers. */
export const OPTIMIZER_NAMES = ["adadelta", "adagrad", "adam", "adamW", "lion", "nadam", "rmsprop", "sgd"] as const;
export type OptimizerName = (typeof OPTIMIZER_NAMES)[number];
