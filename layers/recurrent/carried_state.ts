import {
  formatShape,
  type NamedParameters,
  type SafetensorsInput,
  type Tensor,
  tensor,
  willRecord,
} from "@unfold/core";
import type { ForwardOptions, Layer, RecurrentLayer, RecurrentState } from "../layer.ts";

/**
 * A recurrent layer that starts each batch from the last state of the batch before: truncated back-propagation through time
 * (Williams and Peng, 1990). The state is carried from call to call, the gradient is not. {@linkcode CarriedState.reset} starts
 * from zeros again; `train()` calls it when a batch starts new sequences.
 *
 * It carries one state while the tape records and another one under `noGrad`, so an evaluation does not disturb training.
 *
 * @typeParam State The state of the layer.
 *
 * @example
 * ```ts
 * import { concat, noGrad, Random, slice, tensor } from "@unfold/core";
 * import { CarriedState, LSTM } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const lstm = new LSTM({ inputSize: 1, hiddenSize: 4, random: new Random(1) });
 * const carried = new CarriedState(lstm);
 * const x = tensor([[[1], [2], [3], [4]]]);
 * const halves = [slice(x, { axis: 1, end: 2 }), slice(x, { axis: 1, start: 2 })];
 * assert.deepEqual(concat(halves.map((half) => carried.forward(half)), { axis: 1 }).data, lstm.forward(x).data);
 * carried.reset();
 * assert.deepEqual(carried.forward(x).data, lstm.forward(x).data);
 * ```
 */
export class CarriedState<State extends RecurrentState = RecurrentState> implements Layer {
  /** The wrapped layer. */
  readonly layer: RecurrentLayer<State>;
  /** The carried states: `true` while the tape records, `false` otherwise. */
  readonly #carried = new Map<boolean, State>();

  /**
   * Wraps a layer.
   *
   * @param layer A unidirectional recurrent layer.
   */
  constructor(layer: RecurrentLayer<State>) {
    this.layer = layer;
  }

  /** The parameters of the wrapped layer, under the same names. */
  parameters(): NamedParameters {
    return this.layer.parameters();
  }

  #isRecording(): boolean {
    return willRecord(Object.values(this.parameters()));
  }

  /**
   * Runs the layer from the state of the last call, or from zeros.
   *
   * @param x [batch, time, inputSize], with the batch size of the last call.
   * @throws {TypeError} If the batch size differs from that of the last call, or the shape of x does not match.
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    const recording = this.#isRecording();
    const before = this.#carried.get(recording);
    const { output, state } = this.layer.run(x, before === undefined ? options : { ...options, state: before });
    const after = mapState(state, ({ data, shape }) => tensor(data.slice(), { shape, persistent: true }));
    this.#carry(recording, after);
    return output;
  }

  /** Forgets the state: the next call starts from zeros. */
  reset(): void {
    this.#carry(this.#isRecording(), undefined);
  }

  /** Replaces the carried state, or drops it, and frees its memory. */
  #carry(recording: boolean, state: State | undefined): void {
    for (const part of Object.values<Tensor>(this.#carried.get(recording) ?? {})) part.dispose();
    if (state === undefined) this.#carried.delete(recording);
    else this.#carried.set(recording, state);
  }

  /** The state carried in training, for a checkpoint; empty at the start of sequences. */
  state(): ReadonlyMap<string, SafetensorsInput> {
    return new Map(
      Object.entries<Tensor>(this.#carried.get(true) ?? {})
        .map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
    );
  }

  /**
   * Restores what {@linkcode CarriedState.state} returned.
   *
   * @throws {TypeError} If the names or sizes of the states do not match.
   */
  load(state: ReadonlyMap<string, SafetensorsInput>): void {
    const [first] = state.values();
    const expected = this.layer.initialState(first?.shape[0] ?? 1);
    const names = Object.keys(expected);
    const fits = state.size === 0 || (state.size === names.length && names.every((name) => {
      const entry = state.get(name);
      return entry?.data instanceof Float32Array && `${entry.shape}` === `${expected[name]!.shape}`;
    }));
    if (!fits) {
      const wanted = names.map((name) => `${name} [batch, ${expected[name]!.shape[1]}]`).join(", ");
      const got = [...state].map(([name, { shape }]) => `${name} ${formatShape(shape)}`).join(", ");
      throw new TypeError(`Cannot load a carried state: it must be ${wanted}, got ${got}`);
    }
    const loaded = first && mapState(expected, (_, name) => {
      const { shape, data } = state.get(name)!;
      return tensor(data as Float32Array, { shape, persistent: true });
    });
    this.#carry(true, loaded);
  }
}

function mapState<State extends RecurrentState>(state: State, f: (tensor: Tensor, name: string) => Tensor): State {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, f(value, name)])) as State;
}
