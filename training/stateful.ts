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

/** Whether a value has a state to save. */
export function isStateful(value: object): value is Stateful {
  const { state, load } = value as Partial<Stateful>;
  return typeof state === "function" && typeof load === "function";
}

/** Named numbers as entries of a state. */
export function numbersState(numbers: Readonly<Record<string, number>>): [name: string, entry: SafetensorsInput][] {
  return Object.entries(numbers).map(([name, value]) => [name, { shape: [], data: Float64Array.of(value) }]);
}

/** What a number in a state must be: in words, and a test. */
export type NumberKind = readonly [wanted: string, isSound: (value: number) => boolean];

/** An integer of 0 or more. */
export const COUNT: NumberKind = ["an integer of 0 or more", (value) => Number.isSafeInteger(value) && value >= 0];
/** The smallest loss so far. */
export const BEST_LOSS: NumberKind = ["a number, or Infinity before the first", (value) => value > -Infinity];

/**
 * Reads named numbers back.
 *
 * @param kinds What each must be.
 * @throws {TypeError} If one is missing, or not what it must be.
 */
export function readNumbers<Name extends string>(
  doing: string,
  state: State,
  kinds: Readonly<Record<Name, NumberKind>>,
): Record<Name, number> {
  const names = Object.keys(kinds) as Name[];
  const numberOf = (name: Name) => {
    const { data, shape } = state.get(name) ?? {};
    return data instanceof Float64Array && shape?.length === 0 ? data[0] : undefined;
  };
  const missing = names.filter((name) => numberOf(name) === undefined);
  if (missing.length > 0) {
    throw new TypeError(
      `Cannot ${doing}: the state must have the numbers ${names.join(", ")}, got none for ${missing.join(", ")}`,
    );
  }
  const entries = names.map((name) => [name, numberOf(name)!] as const);
  for (const [name, value] of entries) {
    const [wanted, isSound] = kinds[name];
    if (!isSound(value)) throw new TypeError(`Cannot ${doing}: ${name} in the state must be ${wanted}, got ${value}`);
  }
  return Object.fromEntries(entries) as Record<Name, number>;
}
