import {
  decodeSafetensors,
  encodeSafetensors,
  type Random,
  type RandomState,
  type SafetensorsData,
  type SafetensorsInput,
} from "@unfold/core";
import type { Parallel } from "./parallel.ts";
import type { State, Stateful } from "./stateful.ts";

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
