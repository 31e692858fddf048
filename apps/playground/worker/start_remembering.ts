import type { Layer } from "@unfold/layers";

/** σ(2) = 0.88 of what a state holds stays from step to step. */
const BIAS = 2;

/**
 * Lets a new LSTM's forget gates, or a GRU's update gates, begin nearly open, so that the gradient gets through time before
 * anything is learned (Jozefowicz et al., 2015). Both gates are the second block of their bias; other cells have none.
 */
export function startRemembering(recurrent: Layer, hidden: number): void {
  for (const [name, { data }] of Object.entries(recurrent.parameters())) {
    if (/(^|\.)bias$/.test(name) && data.length > hidden) data.fill(BIAS, hidden, 2 * hidden);
  }
}
