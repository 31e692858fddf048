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

/** Numbers by name as entries of a state. */
export function numbersState(numbers: Readonly<Record<string, number>>): [name: string, entry: SafetensorsInput][] {
  return Object.entries(numbers).map(([name, value]) => [name, { shape: [], data: Float64Array.of(value) }]);
}

/**
 * Reads numbers back.
 *
 * @throws {TypeError} If one of them is missing.
 */
export function readNumbers<Name extends string>(
  doing: string,
  state: State,
  names: readonly Name[],
): Record<Name, number> {
  const missing = names.filter((name) => !(state.get(name)?.data instanceof Float64Array));
  if (missing.length > 0) {
    throw new TypeError(
      `Cannot ${doing}: its state must have the numbers ${names.join(", ")}, and lacks ${missing.join(", ")}`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, Number(state.get(name)!.data[0])])) as Record<Name, number>;
}
