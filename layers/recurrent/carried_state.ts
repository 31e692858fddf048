import {
  formatShape,
  isGradEnabled,
  type NamedParameters,
  type SafetensorsInput,
  type Tensor,
  tensor,
} from "@unfold/core";
import { printable } from "@unfold/core/support";
import { architectureFor, describer } from "../_architecture.ts";
import type {
  DescribeLayer,
  ForwardOptions,
  Layer,
  LayerArchitecture,
  RecurrentLayer,
  RecurrentState,
} from "../layer.ts";

/**
 * A recurrent layer that starts each batch from the last state of the batch before: truncated back-propagation through time
 * (Williams and Peng, 1990). The state is carried from call to call, the gradient is not. {@linkcode CarriedState.reset} starts
 * from zeros again; `train()` calls it when a batch starts new sequences.
 *
 * It carries one state in training, while the tape is on, and another one in prediction, under `noGrad`, so an evaluation does
 * not disturb training.
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
  /** The carried states: `true` while the tape is on, `false` under `noGrad`. */
  readonly #carried = new Map<boolean, State>();

  /**
   * Wraps a layer.
   *
   * @param layer A unidirectional recurrent layer.
   * @throws {TypeError} If the layer is bidirectional.
   */
  constructor(layer: RecurrentLayer<State>) {
    if (typeof layer.run !== "function") {
      throw new TypeError(
        `Cannot make CarriedState: the layer must be a recurrent layer, got ${(layer as Layer).constructor.name}`,
      );
    }
    if (layer.outputSize !== layer.hiddenSize) {
      throw new TypeError(
        "Cannot make CarriedState: the layer must be unidirectional, got a bidirectional one, whose backward direction starts " +
          "at the end of the sequence, which a later batch brings",
      );
    }
    this.layer = layer;
  }

  /** The parameters of the wrapped layer, under the same names. */
  parameters(): NamedParameters {
    return this.layer.parameters();
  }

  /**
   * Runs the layer from the state of the last call, or from zeros.
   *
   * @param x [batch, time, inputSize], with the batch size of the last call since the reset.
   * @throws {TypeError} If the batch size differs from that of the last call, or the shape of x does not match.
   */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    const training = isGradEnabled();
    const before = this.#carried.get(training);
    if (before !== undefined) this.#checkBatch(x, before);
    const { output, state } = this.layer.run(x, before === undefined ? options : { ...options, state: before });
    const after = mapState(state, ({ data, shape }) => tensor(data.slice(), { shape, persistent: true }));
    this.#carry(training, after);
    return output;
  }

  #checkBatch(x: Tensor, before: State): void {
    const [carried, batch] = [Object.values<Tensor>(before)[0]!.shape[0], x.shape[0]];
    if (carried === batch) return;
    throw new TypeError(
      `Cannot run CarriedState: x must have the batch size of the carried state, ${carried}, got ${batch}; ` +
        "call reset() before new sequences",
    );
  }

  /**
   * Forgets the state: the next call starts from zeros, in training and in prediction. Under `noGrad` it forgets only the state
   * in prediction, so that an evaluation does not disturb training.
   */
  reset(): void {
    if (isGradEnabled()) this.#carry(true, undefined);
    this.#carry(false, undefined);
  }

  /** Replaces the carried state, or drops it, and frees its memory. */
  #carry(training: boolean, state: State | undefined): void {
    for (const part of Object.values<Tensor>(this.#carried.get(training) ?? {})) part.dispose();
    if (state === undefined) this.#carried.delete(training);
    else this.#carried.set(training, state);
  }

  /** The wrapped layer. A state is not part of it. */
  architecture(describe: DescribeLayer = describer()): LayerArchitecture {
    return architectureFor(this, CarriedState, { type: "CarriedState", layer: describe(this.layer) });
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
    // For one sequence: what a file says of their number is not yet checked.
    const expected = this.layer.initialState(1);
    const names = Object.keys(expected);
    const fits = state.size === 0 || (state.size === names.length && names.every((name) => {
      const { data, shape } = state.get(name) ?? {};
      return data instanceof Float32Array && data.every(Number.isFinite) &&
        `${shape}` === `${expected[name]!.shape.with(0, first!.shape[0]!)}`;
    }));
    if (!fits) {
      const wanted = names.map((name) => `${name} [batch, ${expected[name]!.shape[1]}]`).join(", ");
      const got = [...state].map(([name, { shape }]) => `${name} ${formatShape(shape)}`).join(", ");
      throw new TypeError(`Cannot load a carried state: it must be ${wanted}, all finite, got ${printable(got, 200)}`);
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
