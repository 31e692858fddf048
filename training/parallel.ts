import {
  decodeSafetensors,
  type DType,
  encodeSafetensors,
  type Random,
  type RandomState,
  type SafetensorsData,
  type SafetensorsInput,
} from "@unfold/core";
import { printable } from "@unfold/core/support";
import type { Batch } from "./batch.ts";
import type { State, Stateful } from "./stateful.ts";

/**
 * Ranks that train one model, each on its share of every batch: what `dataParallel` of `@unfold/distributed` returns.
 * All ranks run the same program on the same batches. Methods that return a promise are collective: all ranks call them.
 */
export interface Parallel {
  /** This rank's number, from 0. */
  readonly rank: number;
  /** The number of ranks. */
  readonly size: number;
  /** This rank's share of `count` rows: `from` inclusive, `to` exclusive. */
  rows(count: number): [from: number, to: number];
  /**
   * This rank's rows of a batch. They share the batch's memory.
   *
   * @typeParam Whole The type of the batch.
   * @returns undefined if this rank gets no rows.
   */
  shard<Whole extends Batch<DType>>(batch: Whole): Whole | undefined;
  /** Sums each number over all ranks. */
  sum(numbers: readonly number[]): Promise<number[]>;
  /** Sums the gradients over all ranks. Every so often it first checks that the weights are still equal. */
  sumGradients(): Promise<void>;
  /**
   * Before a checkpoint and at the end: checks that the weights are still equal, and sums the gradients of an incomplete step on
   * rank 0, which saves them. Those of the other ranks become 0.
   */
  settle(): Promise<void>;
  /** Copies weights and optimizer state from rank 0 to all ranks. Only rank 0 keeps the gradients of an incomplete step. */
  synchronize(): Promise<void>;
  /** The bytes of all ranks, in rank order. */
  gather(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>[]>;
}

/** A state that differs between ranks. A checkpoint holds those of all ranks, concatenated along the first axis. */
export abstract class RankState implements Stateful {
  /** This rank's state. */
  abstract state(): State;
  /** Restores this rank's share of the states of all ranks. The number of ranks may have changed. */
  abstract loadShare(state: State, parallel: Parallel | undefined): void;

  load(state: State): void {
    this.loadShare(state, undefined);
  }
}

/** The state that a model carries from batch to batch, one row per sequence. */
export class RankRows extends RankState {
  constructor(readonly model: Stateful) {
    super();
  }

  state(): State {
    return this.model.state();
  }

  loadShare(state: State, parallel: Parallel | undefined): void {
    const entries = [...state].map(([name, { shape, data }]): [string, SafetensorsInput] => {
      if (shape.length === 0) {
        throw new TypeError(
          `Cannot load a carried state: ${printable(name)} must have a row per sequence, got a scalar`,
        );
      }
      const [from, to] = parallel?.rows(shape[0]!) ?? [0, shape[0]!];
      const width = data.length / shape[0]!;
      return [name, { shape: shape.with(0, to - from), data: data.slice(from * width, to * width) }];
    });
    this.model.load(new Map(entries));
  }
}

/** A `Random` that each rank draws from independently. */
export class RankRandom extends RankState {
  constructor(readonly random: Random) {
    super();
  }

  state(): State {
    return new Map([["state", { shape: [4], data: Uint32Array.from(this.random.state) }]]);
  }

  loadShare(state: State, parallel: Parallel | undefined): void {
    const data = state.get("state")?.data;
    if (!(data instanceof Uint32Array) || data.length === 0 || data.length % 4 > 0) {
      throw new TypeError("Cannot restore Random: its state must be four 32-bit integers");
    }
    const rank = parallel?.rank ?? 0;
    const isNew = 4 * rank >= data.length;
    const from = isNew ? 0 : 4 * rank;
    this.random.state = [...data.subarray(from, from + 4)] as unknown as RandomState;
    if (!isNew) return;
    // A rank that did not exist before gets the stream that `ownStream` would have given it from the start.
    const streams = Array.from({ length: rank }, () => this.random.split());
    this.random.state = streams.at(-1)!.state;
  }
}

/** The states of all ranks, concatenated. */
export async function gatherStates(state: State, parallel: Parallel): Promise<State> {
  const states = (await parallel.gather(encodeSafetensors(state))).map((bytes) => decodeSafetensors(bytes).tensors);
  const names = new Set(states.flatMap((one) => [...one.keys()]));
  return new Map([...names].map((name) => [name, concatenate(states.flatMap((one) => one.get(name) ?? []))]));
}

function concatenate(entries: readonly SafetensorsInput[]): SafetensorsInput {
  const { shape, data } = entries[0]!;
  const rows = entries.reduce((total, entry) => total + entry.shape[0]!, 0);
  const Data = data.constructor as new (values: number[]) => SafetensorsData;
  return { shape: shape.with(0, rows), data: new Data(entries.flatMap((entry) => [...entry.data as Float32Array])) };
}
