/** How gates lie in a weight of ours: beside each other in every row. */
export interface GateLayout {
  /** Columns of a gate. */
  readonly hidden: number;
  /** Which of our gates comes first, which next, in the other order. */
  readonly order: readonly number[];
}

/** [rows, gates·hidden] → the same with the gates in another order. */
export function reorderGates(
  data: Float32Array<ArrayBuffer>,
  { hidden, order }: GateLayout,
): Float32Array<ArrayBuffer> {
  const width = order.length * hidden;
  return data.map((_, i) => {
    const [row, gate, column] = [Math.floor(i / width), Math.floor(i % width / hidden), i % hidden];
    return data[row * width + order[gate]! * hidden + column]!;
  });
}

/** [rows, columns] → [columns, rows]. */
export function transposed(data: Float32Array<ArrayBuffer>, columns: number): Float32Array<ArrayBuffer> {
  const rows = data.length / columns;
  return data.map((_, i) => data[i % rows * columns + Math.floor(i / rows)]!);
}
