import type { SafetensorsInput } from "@unfold/core";

/** Arrays by name, as stored in a checkpoint. */
export type State = ReadonlyMap<string, SafetensorsInput>;

/** Something whose state a checkpoint stores so that a run resumes bit for bit: an optimizer, batches, a consumer of events. */
export interface Stateful {
  /** Everything needed to continue. */
  state(): State;
  /** Restores what {@linkcode Stateful.state} returned, or throws and changes nothing. */
  load(state: State): void;
}

/** Named numbers as entries of a state. */
export function numbersState(numbers: Readonly<Record<string, number>>): [name: string, entry: SafetensorsInput][] {
  return Object.entries(numbers).map(([name, value]) => [name, { shape: [], data: Float64Array.of(value) }]);
}

/**
 * Reads named numbers back.
 *
 * @throws {TypeError} If one is missing.
 */
export function readNumbers<Name extends string>(
  doing: string,
  state: State,
  names: readonly Name[],
): Record<Name, number> {
  const missing = names.filter((name) => !(state.get(name)?.data instanceof Float64Array));
  if (missing.length > 0) {
    throw new TypeError(
      `Cannot ${doing}: the state must have the numbers ${names.join(", ")}, got none for ${missing.join(", ")}`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, Number(state.get(name)!.data[0])])) as Record<Name, number>;
}
