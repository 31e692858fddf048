import type { SafetensorsInput } from "@unfold/core";

/** Arrays by name, as a checkpoint holds them. */
export type State = ReadonlyMap<string, SafetensorsInput>;

/** What has a state that a checkpoint holds, so that a run goes on to the bit: an optimizer, batches, a consumer of events. */
export interface Stateful {
  /** All that is needed to go on. */
  state(): State;
  /** Goes on from what {@linkcode Stateful.state} gave, or throws and changes nothing. */
  load(state: State): void;
}
