import { adadelta, adagrad, adam, adamW, lion, nadam, rmsprop, sgd } from "@unfold/optimizers";

/** The library's optimizers by name. */
export const OPTIMIZERS = { adadelta, adagrad, adam, adamW, lion, nadam, rmsprop, sgd } as const;
export type OptimizerName = keyof typeof OPTIMIZERS;
