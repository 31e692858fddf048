import type { SafetensorsInput } from "@unfold/core";
import type { State } from "./stateful.ts";

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
