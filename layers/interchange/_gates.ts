import type { RecurrentPart } from "../recurrent/recurrent.ts";

type Floats = Float32Array<ArrayBuffer>;

/** How the gates of a weight are reordered: [rows, gates·hidden], gate by gate. */
interface GateLayout {
  /** Columns of a gate. */
  readonly hidden: number;
  /** For each gate of the result, the index of the gate that it comes from. */
  readonly order: readonly number[];
}

/** [rows, gates·hidden] with the gates in another order. */
export function reorderGates(data: Floats, { hidden, order }: GateLayout): Floats {
  const width = order.length * hidden;
  return data.map((_, i) => {
    const [row, gate, column] = [Math.floor(i / width), Math.floor(i % width / hidden), i % hidden];
    return data[row * width + order[gate]! * hidden + column]!;
  });
}

/** [rows, columns] → [columns, rows]. */
export function transposed(data: Floats, columns: number): Floats {
  const rows = data.length / columns;
  return data.map((_, i) => data[i % rows * columns + Math.floor(i / rows)]!);
}

/**
 * Converts between our biases and those of frameworks that have one bias for the input products and one for the recurrent
 * products. Ours is their sum, except for a GRU candidate with `resetAfter`, where `recurrentBias` is separate.
 *
 * @param part One of our layers in one direction.
 * @param order The framework's order of our gates; it must be its own inverse.
 */
export function twoBiases(
  { prefix, weights }: RecurrentPart,
  order: readonly number[],
): {
  /** Ours from theirs. */
  read(inputs: Floats, recurrent: Floats): Record<string, Floats>;
  /** Theirs from ours: of the inputs, then recurrent. */
  write(ours: Record<string, Floats>): [Floats, Floats];
} {
  const hidden = weights.recurrentWeight!.shape[0]!;
  const [bias, inside] = [`${prefix}bias`, `${prefix}recurrentBias`];
  const hasInside = weights.recurrentBias !== undefined;
  const start = hasInside ? (order.length - 1) * hidden : order.length * hidden;
  const reordered = (data: Floats) => reorderGates(data, { hidden, order });
  return {
    read(inputs, recurrent) {
      const [a, b] = [reordered(inputs), reordered(recurrent)];
      return {
        [bias]: a.map((value, i) => i < start ? value + b[i]! : value),
        ...(hasInside && { [inside]: b.slice(start) }),
      };
    },
    write(ours) {
      const recurrent = new Float32Array(order.length * hidden);
      if (hasInside) recurrent.set(ours[inside]!, start);
      return [reordered(ours[bias]!), reordered(recurrent)];
    },
  };
}
