import {
  concat,
  dropout,
  full,
  type NamedParameters,
  noGrad,
  Parameter,
  Random,
  reshape,
  slice,
  type Tensor,
  willRecord,
  zeros,
} from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import { checkLengths, checkShape } from "../_check.ts";
import { constant, glorotUniform, type Initializer, orthogonal } from "../initializers.ts";
import type { ForwardOptions, RecurrentLayer, RecurrentResult, RecurrentState, RunOptions } from "../layer.ts";
import { recurrentSequence } from "./_sequence.ts";
import type { Cell, CellWeights } from "./cell.ts";

/** Options that all recurrent layers have. */
export interface RecurrentOptions {
  /** Features of the input at each time step. */
  inputSize: number;
  /** Features of the state of one layer in one direction. */
  hiddenSize: number;
  /**
   * How many layers are stacked, each on the output of the one before.
   *
   * @default {1}
   */
  layers?: number;
  /**
   * Whether each layer also goes from the last time step to the first, its output beside that of the forward direction.
   *
   * @default {false}
   */
  bidirectional?: boolean;
  /**
   * Whether there are biases.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * Probability that a feature is dropped between stacked layers, at each time step anew.
   *
   * @default {0}
   */
  dropout?: number;
  /**
   * Probability that a feature of the hidden state is dropped where it enters the recurrent products, the same features at
   * all time steps of one run (Gal and Ghahramani, 2016).
   *
   * @default {0}
   */
  recurrentDropout?: number;
  /**
   * Whether there is layer normalisation inside the cell, as each layer says: LN(v) = g ⊙ (v − mean)/√(variance + 10⁻⁵) with a
   * gain g, which starts at 1 (Ba et al., 2016).
   *
   * @default {false}
   */
  layerNorm?: boolean;
  /**
   * Writes the first values of U.
   *
   * @default {glorotUniform, gate by gate}
   */
  inputInitializer?: Initializer;
  /**
   * Writes the first values of W.
   *
   * @default {orthogonal, gate by gate}
   */
  recurrentInitializer?: Initializer;
  /**
   * Where the first weights and the dropout come from; pass a seeded one for numbers that can be had again.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/** One layer in one direction, as it stands in a stacked or bidirectional layer. */
export interface RecurrentPart {
  /** What the names of its parameters start with: `layer1.reverse.`. */
  readonly prefix: string;
  /** Its parameters, by their names without that. */
  readonly weights:
    & Readonly<Record<"inputWeight" | "recurrentWeight", Parameter>>
    & { readonly [Name in keyof CellWeights]?: Parameter };
}

/**
 * What all recurrent layers share: parameters, stacking, directions, state, padding, dropout. A layer is this and a
 * {@linkcode Cell}, its gate equations; one of your own is made the same way.
 *
 * Dropout is active while the tape records, and not under `noGrad`, in `predict` and `evaluate`.
 *
 * Parameters are `inputWeight` U, `recurrentWeight` W, `bias` b and, where the cell has one, `recurrentBias`, then the gains
 * of layer normalisation; those of the second layer have `layer1.` before them, those of the backward direction `reverse.`.
 *
 * @typeParam State The state's tensors by name.
 */
export abstract class Recurrent<State extends RecurrentState> implements RecurrentLayer<State> {
  /** Features of the input at each time step. */
  readonly inputSize: number;
  /** Features of the state of one layer in one direction. */
  readonly hiddenSize: number;
  /** Features of the output at each time step. */
  readonly outputSize: number;
  /** The layers and directions that it is made of: layer by layer, forward before backward. */
  readonly parts: readonly RecurrentPart[];
  readonly #cell: Cell;
  readonly #directions: number;
  readonly #dropout: number;
  readonly #recurrentDropout: number;
  readonly #random: Random;

  /**
   * Makes the layer with its first weights.
   *
   * @param cell The gate equations.
   * @throws {RangeError} If a size is no integer of 1 or more, or a dropout does not lie in [0, 1).
   * @throws {TypeError} If layer normalisation is asked of a cell that has none.
   */
  constructor(cell: Cell, options: RecurrentOptions) {
    const { inputSize, hiddenSize, layers = 1, bidirectional = false, bias = true, random = Random.arbitrary() } =
      options;
    const { layerNorm = false } = options;
    const { dropout = 0, recurrentDropout = 0 } = options;
    const inputInitializer = options.inputInitializer ?? glorotUniform(random, { fanOut: hiddenSize });
    const recurrentInitializer = options.recurrentInitializer ?? orthogonal(random);
    checkCounts(`make ${cell.name}`, { inputSize, hiddenSize, layers });
    for (const [name, value] of Object.entries({ dropout, recurrentDropout })) {
      if (value >= 0 && value < 1) continue;
      throw new RangeError(`Cannot make ${cell.name}: ${name} must be at least 0 and below 1, got ${value}`);
    }
    if (dropout > 0 && layers === 1) {
      throw new RangeError(
        `Cannot make ${cell.name}: dropout acts between layers, of which there must be at least 2, got 1`,
      );
    }
    if (layerNorm && cell.blocks === undefined) {
      throw new TypeError(`Cannot make ${cell.name}: layerNorm must be left out, for the cell has none`);
    }
    if (layerNorm && hiddenSize === 1) {
      throw new RangeError(
        `Cannot make ${cell.name}: hiddenSize must be at least 2 with layerNorm, which makes 0 of one number alone, got 1`,
      );
    }
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.#cell = cell;
    this.#directions = bidirectional ? 2 : 1;
    this.outputSize = this.#directions * hiddenSize;
    this.#dropout = dropout;
    this.#recurrentDropout = recurrentDropout;
    this.#random = random;
    const width = cell.gates * hiddenSize;
    this.parts = Array.from({ length: layers * this.#directions }, (_, index) => {
      const layer = Math.floor(index / this.#directions);
      const features = layer === 0 ? inputSize : this.outputSize;
      const prefix = `${layer === 0 ? "" : `layer${layer}.`}${index % this.#directions === 0 ? "" : "reverse."}`;
      const gain = (size: number) => new Parameter([size], constant(1));
      const cellNorm = layerNorm && cell.cellNorm === true;
      const weights = {
        inputWeight: new Parameter([features, width], inputInitializer),
        recurrentWeight: new Parameter([hiddenSize, width], recurrentInitializer),
        ...(bias && { bias: new Parameter([width], (data) => cell.initializeBias?.(data, hiddenSize)) }),
        ...(bias && cell.recurrentBias && { recurrentBias: new Parameter([hiddenSize]) }),
        ...(layerNorm && { inputGain: gain(width), recurrentGain: gain(width) }),
        ...(cellNorm && { cellGain: gain(hiddenSize) }),
        ...(cellNorm && bias && { cellBias: new Parameter([hiddenSize]) }),
      };
      return { prefix, weights };
    });
  }

  /** U of the first layer, forward: [inputSize, gates·hiddenSize]. */
  get inputWeight(): Parameter {
    return this.parts[0]!.weights.inputWeight;
  }

  /** W of the first layer, forward: [hiddenSize, gates·hiddenSize]. */
  get recurrentWeight(): Parameter {
    return this.parts[0]!.weights.recurrentWeight;
  }

  /** All parameters by name. */
  parameters(): NamedParameters {
    return Object.fromEntries(
      this.parts.flatMap(({ prefix, weights }) =>
        Object.entries(weights).map(([name, parameter]) => [prefix + name, parameter])
      ),
    );
  }

  /** The output of {@linkcode Recurrent.run} from a state of zeros: [batch, time, inputSize] → [batch, time, outputSize]. */
  forward(x: Tensor, { lengths }: ForwardOptions = {}): Tensor {
    return this.run(x, lengths === undefined ? {} : { lengths }).output;
  }

  /**
   * Runs over whole sequences.
   *
   * @param x [batch, time, inputSize].
   * @returns The output, [batch, time, outputSize], and the state after the last time step (in the backward direction: after
   * the first).
   * @throws {TypeError} If x, the state or the lengths have another shape or count.
   * @throws {RangeError} If a length is no integer from 0 to time.
   */
  run(x: Tensor, options: RunOptions<State> = {}): RecurrentResult<State> {
    const doing = `run ${this.#cell.name}`;
    checkShape(doing, "x", x, { batch: undefined, time: undefined, inputSize: this.inputSize });
    const [batch, time] = x.shape as [number, number];
    const { state = this.initialState(batch), lengths } = options;
    this.#checkState(doing, state, batch);
    if (lengths !== undefined) checkLengths(doing, lengths, { batch, time, least: 0 });

    let output = x;
    const lasts: (readonly Tensor[])[] = [];
    for (let first = 0; first < this.parts.length; first += this.#directions) {
      if (first > 0 && this.#dropout > 0 && willRecord([output])) {
        output = dropout(output, { rate: this.#dropout, random: this.#random });
      }
      const layer = this.parts.slice(first, first + this.#directions).map(({ weights }, direction) => {
        const states = this.#cell.states.map((name) => this.#block(state[name]!, first + direction));
        const mask = this.#mask(batch, [output, weights.recurrentWeight]);
        return recurrentSequence(this.#cell, output, states, weights, { reverse: direction === 1, lengths, mask });
      });
      output = side(layer.map(([made]) => made!), 2);
      lasts.push(...layer.map(([, ...last]) => last));
    }
    const last = this.#cell.states.map((name, i) => [name, side(lasts.map((states) => states[i]!), 1)] as const);
    return { output, state: Object.fromEntries(last) as unknown as State };
  }

  /** The state of one part. */
  #block(state: Tensor, part: number): Tensor {
    if (this.parts.length === 1) return state;
    return slice(state, { axis: 1, start: part * this.hiddenSize, end: (part + 1) * this.hiddenSize });
  }

  #mask(batch: number, inputs: readonly Tensor[]): Tensor | undefined {
    if (this.#recurrentDropout === 0 || !willRecord(inputs)) return undefined;
    const drop = { rate: this.#recurrentDropout, random: this.#random };
    return noGrad(() => dropout(full([batch, this.hiddenSize], 1), drop));
  }

  #checkState(doing: string, state: State, batch: number): void {
    const size = this.parts.length * this.hiddenSize;
    for (const name of this.#cell.states) {
      const given = state[name];
      if (given === undefined) {
        throw new TypeError(`Cannot ${doing}: state must have ${name}, got ${Object.keys(state).join(", ")}`);
      }
      checkShape(doing, `state.${name}`, given, { batch, hiddenSize: size });
    }
  }

  /**
   * Runs one time step. It is a run of its own: while the tape records, recurrent dropout draws anew.
   *
   * @param x [batch, inputSize].
   * @param state The state before it.
   * @returns The output, [batch, outputSize], and the state after it.
   * @throws {TypeError} If x or the state has another shape, or the layer is bidirectional and so needs the whole sequence.
   */
  step(x: Tensor, state: State): RecurrentResult<State> {
    const doing = `step ${this.#cell.name}`;
    if (this.#directions === 2) {
      throw new TypeError(
        `Cannot ${doing}: it must go forward alone, but is bidirectional and needs the whole sequence`,
      );
    }
    checkShape(doing, "x", x, { batch: undefined, inputSize: this.inputSize });
    const batch = x.shape[0]!;
    const result = this.run(reshape(x, [batch, 1, this.inputSize]), { state });
    return { output: reshape(result.output, [batch, this.outputSize]), state: result.state };
  }

  /** A state of zeros for a batch. */
  initialState(batch: number): State {
    const shape = [batch, this.parts.length * this.hiddenSize];
    return Object.fromEntries(this.#cell.states.map((name) => [name, zeros(shape)])) as unknown as State;
  }
}

/** Tensors side by side along an axis; one alone stays as it is. */
function side(tensors: readonly Tensor[], axis: number): Tensor {
  return tensors.length === 1 ? tensors[0]! : concat(tensors, { axis });
}
