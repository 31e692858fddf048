import type { Layer } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import type { TrainEvent } from "@unfold/training";
import type { ExportFormat, Preview, RunFacts } from "../messages.ts";
import type { UnfoldOptions } from "./unfold_network.ts";

/** A network and what it learns: all that a run needs to know of either. */
export interface Task extends RunFacts {
  readonly network: Layer;
  /** What a loss of the network is multiplied by to be in the unit that people read. */
  readonly scale: number;
  /** Trains without end, an event a step. */
  train(optimizer: Optimizer): AsyncGenerator<TrainEvent, void, undefined>;
  /** The loss on what is held back. */
  validate(): Promise<number>;
  /** What the network writes or forecasts as it stands. */
  preview(options: { readonly temperature: number }): Preview;
  /** What is unfolded: one real input, made in the caller's scope. */
  example(): UnfoldOptions;
  /** The model as its app saves and exports it. */
  toFile(format: ExportFormat): Uint8Array<ArrayBuffer>;
}

/** Steps that are drawn of an unfolded network at most. */
export const MOST_STEPS = 64;
/** Sequences in a batch. */
export const BATCH_SIZE = 32;

/** Numbers in a network. */
export function countParameters(network: Layer): number {
  return Object.values(network.parameters()).reduce((count, { size }) => count + size, 0);
}

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
