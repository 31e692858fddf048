import type { OptimizerName } from "../shared/optimizers.ts";

export type { OptimizerName };

/** Learning rates that small recurrent networks start well with, by optimizer; the page asks for no optimizer itself. */
export const SUGGESTED_RATES: Readonly<Record<OptimizerName, number>> = {
  adadelta: 1,
  adagrad: 0.02,
  adam: 0.005,
  adamW: 0.005,
  lion: 0.001,
  nadam: 0.005,
  rmsprop: 0.003,
  sgd: 0.5,
};

/** The library's optimizers, by name. */
export const OPTIMIZER_NAMES = Object.keys(SUGGESTED_RATES) as OptimizerName[];
