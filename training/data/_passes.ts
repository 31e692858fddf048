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
import { numbersState, type State, type Stateful } from "../stateful.ts";

/** A pass over all batches. */
interface Pass<Order> {
  /** What was drawn for it; undefined if nothing is shuffled. */
  readonly order: Order | undefined;
  /** The state of the Random before that. */
  readonly start: RandomState | undefined;
  /** Batches that are done. */
  readonly position: number;
}

/** What a source needs to cut the next batch. */
interface Turn<Order> {
  /** The number of the batch in its pass. */
  readonly index: number;
  /** What was drawn for this pass; undefined if nothing is shuffled. */
  readonly order: Order | undefined;
  /** The tensor of this name in the batch before, if it has this shape, or else a new one; it is released after the pass. */
  tensor<D extends DType>(name: string, shape: Shape, dtype: D): Tensor<D>;
}

/** What all sources of batches share: passes that write over their tensors, and that a saved state goes on with. */
export class Passes<Order = never> implements Stateful {
  readonly #length: number;
  readonly #random: Random | undefined;
  readonly #draw: ((random: Random) => Order) | undefined;
  /** The pass that last gave a batch, while it has more of them. */
  #current: Pass<Order> | undefined;
  /** What a loaded state leaves to do. */
  #resumed: Pass<Order> | undefined;

  /**
   * @param length Batches in a pass.
   * @param options The Random to shuffle with, and what is drawn from it at the start of each pass.
   */
  constructor(length: number, options: { random?: Random | undefined; draw?: (random: Random) => Order } = {}) {
    this.#length = length;
    this.#random = options.random;
    this.#draw = options.draw;
  }

  #begin(position: number): Pass<Order> {
    const start = this.#random?.state;
    return { start, order: this.#random && this.#draw?.(this.#random), position };
  }

  /** The turns of one pass, or of what is left of the one that was loaded. */
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
        // After its last batch a pass is over, even if nobody asks for more.
        this.#current = position < this.#length ? { ...pass, position } : undefined;
        yield { index, order: pass.order, tensor };
      }
    } finally {
      this.#current = undefined;
      for (const made of tensors.values()) made.dispose();
    }
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
        : `shape ${formatShape(entry.shape)} in a ${entry.data.constructor.name}`;
      throw new TypeError(
        `Cannot load the state of batches: ${name} must have shape ${formatShape(shape)} in a ${kind.name}, got ${got}`,
      );
    };
    const position = take("position", Float64Array, [])[0]!;
    const start = this.#random && take("random", Uint32Array, [4]) as unknown as RandomState;
    for (const name of entries.keys()) {
      throw new TypeError(
        `Cannot load the state of batches: ${name} must not be in it, for nothing here has that state`,
      );
    }
    if (!Number.isInteger(position) || position < 0 || position >= this.#length) {
      throw new RangeError(
        `Cannot load the state of batches: position must be an integer from 0 to ${this.#length - 1}, got ${position}`,
      );
    }
    if (this.#random !== undefined && start !== undefined) this.#random.state = start;
    this.#current = undefined;
    // Drawn now, so that a Random that others draw from too can then be restored to where it stood in mid-pass.
    this.#resumed = position === 0 ? undefined : this.#begin(position);
  }
}
