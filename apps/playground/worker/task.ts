import type { Layer } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import type { TrainEvent } from "@unfold/training";
import type { ExportFormat, Preview, RunFacts } from "../messages.ts";
import type { UnfoldOptions } from "./unfold_network.ts";

/** A network and its data, as a run uses them. */
export interface Task extends RunFacts {
  readonly network: Layer;
  /** The factor from the network's loss to the displayed unit. */
  readonly scale: number;
  /** Trains forever. Each step yields an event. */
  train(optimizer: Optimizer): AsyncGenerator<TrainEvent, void, undefined>;
  /** Computes the validation loss. */
  validate(): Promise<number>;
  /** The network's current sample or forecasts. */
  preview(options: { readonly temperature: number }): Preview;
  /** The input to unfold the network over. Its tensors belong to the caller's scope. */
  example(): UnfoldOptions;
  /** The model as a file of its app. */
  toFile(format: ExportFormat): Uint8Array<ArrayBuffer>;
}

/** The maximum number of time steps drawn of an unfolded network. */
export const MAX_DRAWN_STEPS = 64;
/** Sequences in a batch. */
export const BATCH_SIZE = 32;

/** Counts the trainable weights of a network. */
export function countParameters(network: Layer): number {
  return Object.values(network.parameters()).reduce((count, { size }) => count + size, 0);
}

/** With this bias, a gate keeps σ(2) = 0.88 of the state at each step. */
const BIAS = 2;

/**
 * Sets the bias of a new LSTM's forget gates, or of a GRU's update gates, so that from the start the cell remembers and
 * gradients reach far back (Jozefowicz et al., 2015). Both gates are the second block of the bias. Other cells are
 * unchanged.
 */
export function startRemembering(recurrent: Layer, hidden: number): void {
  for (const [name, { data }] of Object.entries(recurrent.parameters())) {
    if (/(^|\.)bias$/.test(name) && data.length > hidden) data.fill(BIAS, hidden, 2 * hidden);
  }
}
