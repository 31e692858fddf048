import {
  type DType,
  empty,
  formatShape,
  type Random,
  type RandomState,
  type SafetensorsInput,
  type Shape,
  type Tensor,
} from "@unfold/core";
import { printable } from "@unfold/core/support";
import { numbersState, type State, type Stateful } from "../stateful.ts";

/** One pass over all batches. */
interface Pass<Order> {
  /** The shuffled order, or undefined if nothing is shuffled. */
  readonly order: Order | undefined;
  /** The state of `random` before the order was drawn. */
  readonly start: RandomState | undefined;
  /** Batches done. */
  readonly position: number;
}

/** What a source needs to make the next batch. */
interface Turn<Order> {
  /** The batch's index in its pass. */
  readonly index: number;
  /** The shuffled order of the pass, or undefined if nothing is shuffled. */
  readonly order: Order | undefined;
  /** A tensor to fill: the one of this name from the previous batch if the shape matches, or a new one. Released after the pass. */
  tensor<D extends DType>(name: string, shape: Shape, dtype: D): Tensor<D>;
}

/** What all sources of batches share: passes that reuse their tensors, and a state to resume from. */
export class Passes<Order = never> implements Stateful {
  readonly #length: number;
  readonly #random: Random | undefined;
  readonly #draw: ((random: Random) => Order) | undefined;
  /** The pass that last gave a batch, until it has no more. */
  #current: Pass<Order> | undefined;
  /** The pass that a loaded state was saved in. */
  #resumed: Pass<Order> | undefined;

  /**
   * @param length The number of batches in a pass.
   * @param options The Random to shuffle with, and how to draw an order from it at the start of each pass.
   */
  constructor(length: number, options: { random?: Random | undefined; draw?: (random: Random) => Order } = {}) {
    this.#length = length;
    this.#random = options.random;
    this.#draw = options.draw;
  }

  /** The turns of one pass, or of the rest of a loaded pass. */
  *run(): Generator<Turn<Order>, void, undefined> {
    const pass = this.#resumed ?? this.#begin(0);
    this.#resumed = undefined;
    const tensors = new Map<string, Tensor<DType>>();
    const tensor = <D extends DType>(name: string, shape: Shape, dtype: D): Tensor<D> => {
      const last = tensors.get(name);
      if (String(last?.shape) === String(shape)) return last as Tensor<D>;
      last?.dispose();
      const made = empty(shape, { dtype, persistent: true });
      tensors.set(name, made);
      return made;
    };
    try {
      for (let index = pass.position; index < this.#length; index++) {
        const position = index + 1;
        // A pass is over after its last batch, even if nobody asks for another.
        this.#current = position < this.#length ? { ...pass, position } : undefined;
        yield { index, order: pass.order, tensor };
      }
    } finally {
      this.#current = undefined;
      for (const made of tensors.values()) made.dispose();
    }
  }

  #begin(position: number): Pass<Order> {
    const start = this.#random?.state;
    return { start, order: this.#random && this.#draw?.(this.#random), position };
  }

  state(): State {
    const { position, start } = this.#current ?? this.#resumed ?? { position: 0, start: this.#random?.state };
    return new Map<string, SafetensorsInput>([
      ...numbersState({ position }),
      ...start === undefined ? [] : [["random", { shape: [4], data: Uint32Array.from(start) }] as const],
    ]);
  }

  load(state: State): void {
    const entries = new Map(state);
    const take = (name: string, kind: Float64ArrayConstructor | Uint32ArrayConstructor, shape: Shape): number[] => {
      const entry = entries.get(name);
      entries.delete(name);
      if (entry?.data instanceof kind && String(entry.shape) === String(shape)) return [...entry.data];
      const got = entry === undefined
        ? "nothing"
        : `shape ${printable(formatShape(entry.shape))} in a ${entry.data.constructor.name}`;
      throw new TypeError(
        `Cannot load the state of batches: ${name} must have shape ${formatShape(shape)} in a ${kind.name}, got ${got}`,
      );
    };
    const position = take("position", Float64Array, [])[0]!;
    const start = this.#random && take("random", Uint32Array, [4]) as unknown as RandomState;
    for (const name of entries.keys()) {
      throw new TypeError(
        `Cannot load the state of batches: ${printable(name)} must not be in it, these batches have no such state`,
      );
    }
    if (!Number.isInteger(position) || position < 0 || position >= this.#length) {
      throw new RangeError(
        `Cannot load the state of batches: position must be an integer from 0 to ${this.#length - 1}, got ${position}`,
      );
    }
    if (this.#random !== undefined && start !== undefined) this.#random.state = start;
    this.#current = undefined;
    // Drawn now, so that a Random shared with others can afterwards be restored to its state in mid-pass.
    this.#resumed = position === 0 ? undefined : this.#begin(position);
  }
}
