import type { Shape } from "@unfold/core";
import type { RecurrentPart } from "../../recurrent/recurrent.ts";
import { reorderGates, transposed } from "../_cells.ts";
import type { ForeignModule } from "../layer_interchange.ts";

type Floats = Float32Array<ArrayBuffer>;

function identity(data: Floats): Floats {
  return data;
}

/** A module of one tensor, with its name and ours; what is not turned or reordered is the same on both sides. */
export function oneTensor(
  [theirs, ours]: readonly [theirs: string, ours: string],
  shape: Shape,
  { read = identity, write = identity }: { read?: (data: Floats) => Floats; write?: (data: Floats) => Floats } = {},
): ForeignModule {
  return {
    shapes: { [theirs]: shape },
    read: (tensors) => ({ [ours]: read(tensors[theirs]!) }),
    write: (parameters) => ({ [theirs]: write(parameters[ours]!) }),
  };
}

/** A module of one matrix, [columns, rows] there for our [rows, columns]. */
export function turnedTensor(names: readonly [theirs: string, ours: string], shape: Shape): ForeignModule {
  const [rows, columns] = shape as [number, number];
  return oneTensor(names, [columns, rows], {
    read: (data) => transposed(data, rows),
    write: (data) => transposed(data, columns),
  });
}

/** A module of the tensors of several; what is undefined is left out. */
export function combined(...given: readonly (ForeignModule | undefined)[]): ForeignModule {
  const modules = given.filter((module) => module !== undefined);
  return {
    shapes: Object.assign({}, ...modules.map(({ shapes }) => shapes)),
    read: (theirs) => Object.assign({}, ...modules.map((module) => module.read(theirs))),
    write: (ours) => Object.assign({}, ...modules.map((module) => module.write(ours))),
  };
}

/**
 * Biases of the inputs and of the recurrent products apart, as other frameworks have them, which are one bias of ours but for a
 * candidate that the reset gate acts on.
 *
 * @param part Ours.
 * @param order Which of our gates comes first there, which next; turned twice it must be ours again.
 */
export function twoBiases(
  { prefix, weights }: RecurrentPart,
  order: readonly number[],
): {
  read(inputs: Floats, recurrent: Floats): Record<string, Floats>;
  write(ours: Record<string, Floats>): [Floats, Floats];
} {
  const hidden = weights.recurrentWeight.shape[0]!;
  const [bias, inside] = [`${prefix}bias`, `${prefix}recurrentBias`];
  const hasInside = weights.recurrentBias !== undefined;
  const start = hasInside ? (order.length - 1) * hidden : order.length * hidden;
  const turned = (data: Floats) => reorderGates(data, { hidden, order });
  return {
    read(inputs, recurrent) {
      const [a, b] = [turned(inputs), turned(recurrent)];
      return {
        [bias]: a.map((value, i) => i < start ? value + b[i]! : value),
        ...(hasInside && { [inside]: b.slice(start) }),
      };
    },
    write(ours) {
      const recurrent = new Float32Array(order.length * hidden);
      if (hasInside) recurrent.set(ours[inside]!, start);
      return [turned(ours[bias]!), turned(recurrent)];
    },
  };
}
