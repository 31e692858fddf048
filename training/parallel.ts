import {
  decodeSafetensors,
  type DType,
  encodeSafetensors,
  type Random,
  type RandomState,
  type SafetensorsData,
  type SafetensorsInput,
} from "@unfold/core";
import type { Batch } from "./batch.ts";
import type { State, Stateful } from "./stateful.ts";

/**
 * Several ranks that train one model, each on a share of every batch: what `dataParallel` of `@unfold/distributed` makes.
 * All of them run the same program with the same batches; each method that returns a promise is a meeting of all.
 */
export interface Parallel {
  /** This rank's number, from 0. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /** Which of so many rows are this rank's: those from one to before another. */
  rows(count: number): [from: number, to: number];
  /**
   * This rank's rows of a batch, in the batch's own memory.
   *
   * @typeParam Whole What a batch is made of.
   * @returns undefined where no row is left for it.
   */
  shard<Whole extends Batch<DType>>(batch: Whole): Whole | undefined;
  /** The sums over all ranks of each of some numbers. */
  sum(numbers: readonly number[]): Promise<number[]>;
  /** Makes the gradients the sums over all ranks; every so often, makes sure before that the weights are still equal. */
  sumGradients(): Promise<void>;
  /**
   * Before a checkpoint, and at the end: makes sure that the weights are still equal, and puts the gradients of a step that is
   * not yet whole together on rank 0, where they are saved; those of the others are then 0.
   */
  settle(): Promise<void>;
  /** Makes weights and the optimizer's state those of rank 0, which alone keeps the gradients of a step that is not yet whole. */
  synchronize(): Promise<void>;
  /** What each rank hands in, in their order. */
  gather(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>[]>;
}

/** A state of which each rank has its own: a checkpoint holds all of them, one after the other along the first axis. */
export abstract class RankState implements Stateful {
  /** This rank's. */
  abstract state(): State;
  /** Goes on from the states of all ranks, which may have been more or fewer. */
  abstract loadShare(state: State, parallel: Parallel | undefined): void;

  load(state: State): void {
    this.loadShare(state, undefined);
  }
}

/** What a model carries from batch to batch, row by row. */
export class RankRows extends RankState {
  constructor(readonly model: Stateful) {
    super();
  }

  state(): State {
    return this.model.state();
  }

  loadShare(state: State, parallel: Parallel | undefined): void {
    const entries = [...state].map(([name, { shape, data }]): [string, SafetensorsInput] => {
      const [from, to] = parallel?.rows(shape[0]!) ?? [0, shape[0]!];
      const width = data.length / shape[0]!;
      return [name, { shape: shape.with(0, to - from), data: data.slice(from * width, to * width) }];
    });
    this.model.load(new Map(entries));
  }
}

/** Random numbers that each rank draws for itself. */
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
      throw new TypeError("Cannot restore Random: its state must be four integers of 32 bits");
    }
    const rank = parallel?.rank ?? 0;
    const isNew = 4 * rank >= data.length;
    const from = isNew ? 0 : 4 * rank;
    this.random.state = [...data.subarray(from, from + 4)] as unknown as RandomState;
    if (!isNew) return;
    // A rank that there was not before has the stream of its number, as it would have had from the start.
    const streams = Array.from({ length: rank }, () => this.random.split());
    this.random.state = streams.at(-1)!.state;
  }
}

/** The states of all ranks, put together. */
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
