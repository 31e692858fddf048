import { layoutOf } from "./_layout.ts";
import type { Cell } from "./cell.ts";

/** The weights of the built-in cells by name. Those that a cell or layer lacks are missing. */
export type Weights<T> = {
  readonly inputWeight: T;
  readonly recurrentWeight: T;
  readonly bias: T;
  readonly recurrentBias: T;
  readonly inputGain?: T;
  readonly recurrentGain?: T;
  readonly cellGain?: T;
  readonly cellBias: T;
};

/** The shapes of a cell's weights by name. */
export function weightShapes(
  cell: Cell,
  { inputSize, hidden, layerNorm }: { inputSize: number; hidden: number; layerNorm: boolean },
): Record<string, number[]> {
  const { u, w, d } = layoutOf(cell);
  return {
    inputWeight: [inputSize, u * hidden],
    recurrentWeight: [hidden, w * hidden],
    bias: [u * hidden],
    ...(d > 0 && { recurrentBias: [d * hidden] }),
    ...(layerNorm && { inputGain: [u * hidden], recurrentGain: [w * hidden] }),
    ...(layerNorm && cell.normalized === "cell" && { cellGain: [hidden], cellBias: [hidden] }),
  };
}

/** The given values under the names of `shapes`, in order. */
export function weightsOf<T>(shapes: Record<string, unknown>, given: readonly T[]): Weights<T> {
  return Object.fromEntries(Object.keys(shapes).map((name, i) => [name, given[i]])) as unknown as Weights<T>;
}
