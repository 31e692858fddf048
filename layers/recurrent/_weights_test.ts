import type { Cell, CellWeights } from "./cell.ts";

/** The shapes of a cell's weights by name. */
export function weightShapes(
  cell: Cell,
  { inputSize, hidden, layerNorm }: { inputSize: number; hidden: number; layerNorm: boolean },
): Record<string, number[]> {
  const width = cell.gates * hidden;
  return {
    inputWeight: [inputSize, width],
    recurrentWeight: [hidden, width],
    bias: [width],
    ...(cell.recurrentBias && { recurrentBias: [hidden] }),
    ...(layerNorm && { inputGain: [width], recurrentGain: [width] }),
    ...(layerNorm && cell.cellNorm && { cellGain: [hidden], cellBias: [hidden] }),
  };
}

/** The given values under the names of `shapes`, in order. */
export function weightsOf<T>(shapes: Record<string, unknown>, given: readonly T[]): { [Name in keyof CellWeights]: T } {
  return Object.fromEntries(Object.keys(shapes).map((name, i) => [name, given[i]])) as {
    [Name in keyof CellWeights]: T;
  };
}
