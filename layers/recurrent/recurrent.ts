import {
  concat,
  dropout,
  full,
  isGradEnabled,
  type NamedParameters,
  noGrad,
  Parameter,
  Random,
  reshape,
  slice,
  type Tensor,
  zeros,
} from "@unfold/core";
import { checkCounts, describe } from "@unfold/core/support";
import { architectureFor } from "../_architecture.ts";
import { checkLengths, checkShape } from "../_check.ts";
import { constant, glorotUniform, type Initializer, orthogonal } from "../initializers.ts";
import type {
  ForwardOptions,
  LayerArchitecture,
  RecurrentLayer,
  RecurrentResult,
  RecurrentState,
  RunOptions,
} from "../layer.ts";
import { layoutOf } from "./_layout.ts";
import { recurrentSequence } from "./_sequence.ts";
import type { Cell, CellGate } from "./cell.ts";

/** Options of all recurrent layers. */
export interface RecurrentOptions {
  /** Features of the input at each time step. */
  inputSize: number;
  /** Features of the state of one layer in one direction. */
  hiddenSize: number;
  /**
   * The number of stacked layers; each takes the output of the one before.
   *
   * @default {1}
   */
  layers?: number;
  /**
   * Whether each layer also runs from the last time step to the first. Its output is appended to that of the forward
   * direction.
   *
   * @default {false}
   */
  bidirectional?: boolean;
  /**
   * Whether the layer has biases.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * The probability that a feature is dropped between stacked layers, drawn for each time step.
   *
   * @default {0}
   */
  dropout?: number;
  /**
   * The probability that a feature of the hidden state is dropped where it enters the recurrent products. One run drops the
   * same features at all time steps (Gal and Ghahramani, 2016).
   *
   * @default {0}
   */
  recurrentDropout?: number;
  /**
   * Whether to apply layer normalization inside the cell: LN(v) = g ⊙ (v − mean)/√(variance + 10⁻⁵) with a gain g, initialized
   * to 1 (Ba et al., 2016). Each layer documents where.
   *
   * @default {false}
   */
  layerNorm?: boolean;
  /**
   * Initializes U.
   *
   * @default {glorotUniform, gate by gate}
   */
  inputInitializer?: Initializer;
  /**
   * Initializes W.
   *
   * @default {orthogonal, gate by gate}
   */
  recurrentInitializer?: Initializer;
  /**
   * Draws the initial weights and the dropout; pass a seeded one for reproducible runs.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/** One layer in one direction: a part of a stacked or bidirectional layer. */
export interface RecurrentPart {
  /** The prefix of its parameters' names: `layer1.reverse.`. */
  readonly prefix: string;
  /** Its parameters by name, without the prefix. */
  readonly weights: RecurrentWeights;
}

/** The parameters of one layer in one direction. Columns of U and W are gate by gate, in the cell's order. */
export interface RecurrentWeights {
  /** U, [inputSize, gates·hidden]. */
  readonly inputWeight: Parameter;
  /** W, [hidden, gates·hidden], or [hidden, gates·hidden/heads]; missing if no gate sees the state. */
  readonly recurrentWeight?: Parameter;
  /** b, [gates·hidden]: added to x·U + h·W before the activations. */
  readonly bias?: Parameter;
  /** The bias of the gates that only see the state, [gates·hidden]. */
  readonly recurrentBias?: Parameter;
  /** The gain of the normalized input products, [gates·hidden]. */
  readonly inputGain?: Parameter;
  /** The gain of the normalized recurrent products, [gates·hidden]. */
  readonly recurrentGain?: Parameter;
  /** The cell's own weights, [hidden], and the gain and bias of a normalized state. */
  readonly [name: string]: Parameter | undefined;
}

/**
 * The base of all recurrent layers: parameters, stacking, directions, state, padding and dropout. A layer extends it and passes
 * a cell with its equations; {@linkcode defineCell} says how to write your own.
 *
 * Dropout is active while the tape is on: everywhere except under `noGrad`, in `predict` and in `evaluate`.
 *
 * Parameters are those of {@linkcode RecurrentWeights}. Names in the second layer start with `layer1.`, names in the backward direction with `reverse.`.
 *
 * @typeParam State The tensors of the state by name.
 */
export abstract class Recurrent<State extends RecurrentState> implements RecurrentLayer<State> {
  /** The cell: gates, states and equations. */
  readonly cell: Cell;
  /** Features of the input at each time step. */
  readonly inputSize: number;
  /** Features of the state of one layer in one direction. */
  readonly hiddenSize: number;
  /** Features of the output at each time step. */
  readonly outputSize: number;
  /** The parts, one per layer and direction: layer by layer, forward first. */
  readonly parts: readonly RecurrentPart[];
  readonly #directions: number;
  readonly #dropout: number;
  readonly #recurrentDropout: number;
  readonly #random: Random;

  /**
   * Creates the layer and initializes its weights.
   *
   * @param cell The gate equations.
   * @throws {RangeError} If a size is not a positive integer, or a dropout is not in [0, 1).
   * @throws {TypeError} If the cell does not support an option.
   */
  constructor(cell: Cell, options: RecurrentOptions) {
    const { inputSize, hiddenSize, layers = 1, bidirectional = false, bias = true } = options;
    const { dropout = 0, recurrentDropout = 0, layerNorm = false, random = Random.arbitrary() } = options;
    const inputInitializer = options.inputInitializer ?? glorotUniform(random, { fanOut: hiddenSize });
    const recurrentInitializer = options.recurrentInitializer ?? orthogonal(random);
    if (!Array.isArray(cell?.gates)) {
      throw new TypeError(
        `Cannot make a recurrent layer: the cell must come from defineCell(), got ${
          describe(cell)
        }; pass it its definition`,
      );
    }
    checkCounts(`make ${cell.name}`, { inputSize, hiddenSize, layers });
    for (const [name, value] of Object.entries({ dropout, recurrentDropout })) {
      if (value >= 0 && value < 1) continue;
      throw new RangeError(`Cannot make ${cell.name}: ${name} must be at least 0 and below 1, got ${describe(value)}`);
    }
    if (dropout > 0 && layers === 1) {
      throw new RangeError(
        `Cannot make ${cell.name}: layers must be at least 2 for dropout, which acts between layers, got 1`,
      );
    }
    const layout = layoutOf(cell);
    if (hiddenSize % cell.heads !== 0) {
      throw new RangeError(
        `Cannot make ${cell.name}: hiddenSize must be a multiple of the ${cell.heads} heads, got ${hiddenSize}`,
      );
    }
    if (layerNorm && cell.heads > 1) {
      throw new TypeError(`Cannot make ${cell.name}: layerNorm must be false for a cell with several heads, got true`);
    }
    if (recurrentDropout > 0 && layout.w === 0) {
      throw new TypeError(
        `Cannot make ${cell.name}: recurrentDropout must be 0 for a cell whose gates do not see the state, got ${recurrentDropout}`,
      );
    }
    if (layerNorm && hiddenSize === 1) {
      throw new RangeError(
        `Cannot make ${cell.name}: hiddenSize must be at least 2 with layerNorm, since a single value normalizes to 0, got 1`,
      );
    }
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.cell = cell;
    this.#directions = bidirectional ? 2 : 1;
    this.outputSize = this.#directions * hiddenSize;
    this.#dropout = dropout;
    this.#recurrentDropout = recurrentDropout;
    this.#random = random;
    this.parts = Array.from({ length: layers * this.#directions }, (_, index) => {
      const layer = Math.floor(index / this.#directions);
      const features = layer === 0 ? inputSize : this.outputSize;
      const prefix = `${layer === 0 ? "" : `layer${layer}.`}${index % this.#directions === 0 ? "" : "reverse."}`;
      const weights = weightsOf(cell, {
        features,
        hiddenSize,
        bias,
        layerNorm,
        inputInitializer,
        recurrentInitializer,
      });
      return { prefix, weights };
    });
  }

  /** U of the first layer in the forward direction, [inputSize, gates·hiddenSize]. */
  get inputWeight(): Parameter {
    return this.parts[0]!.weights.inputWeight;
  }

  /**
   * W of the first layer in the forward direction, [hiddenSize, gates·hiddenSize].
   *
   * @throws {TypeError} If the gates of the cell do not see the state, so that there is none.
   */
  get recurrentWeight(): Parameter {
    const { recurrentWeight } = this.parts[0]!.weights;
    if (recurrentWeight !== undefined) return recurrentWeight;
    throw new TypeError(`Cannot get recurrentWeight: a gate of ${this.cell.name} must see the state, got none`);
  }

  /** All parameters by name. */
  parameters(): NamedParameters {
    return Object.fromEntries(
      this.parts.flatMap(({ prefix, weights }) =>
        Object.entries(weights).map(([name, parameter]) => [prefix + name, parameter!])
      ),
    );
  }

  /** Returns the output of {@linkcode Recurrent.run} from zeros: [batch, time, inputSize] → [batch, time, outputSize]. */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    const lengths = options?.lengths;
    return this.run(x, lengths === undefined ? {} : { lengths }).output;
  }

  /**
   * Runs over whole sequences.
   *
   * @param x [batch, time, inputSize].
   * @returns The output, [batch, time, outputSize], and the state after the last time step (after the first one in the backward
   * direction).
   * @throws {TypeError} If the shape of x or the state does not match, or the number of lengths differs from the batch.
   * @throws {RangeError} If a length is not an integer from 0 to time.
   */
  run(x: Tensor, options?: RunOptions<State>): RecurrentResult<State> {
    const doing = `run ${this.cell.name}`;
    checkShape(doing, "x", x, { batch: undefined, time: undefined, inputSize: this.inputSize });
    const [batch, time] = x.shape as [number, number];
    const { state = this.initialState(batch), lengths } = options ?? {};
    this.#checkState(doing, state, batch);
    if (lengths !== undefined) checkLengths(doing, lengths, { batch, time, least: 0 });

    let output = x;
    const lasts: (readonly Tensor[])[] = [];
    for (let first = 0; first < this.parts.length; first += this.#directions) {
      if (first > 0 && this.#dropout > 0 && isGradEnabled()) {
        output = dropout(output, { rate: this.#dropout, random: this.#random });
      }
      const layer = this.parts.slice(first, first + this.#directions).map(({ weights }, direction) => {
        const states = this.cell.states.map((name) => this.#block(state[name]!, first + direction));
        const mask = this.#mask(batch);
        return recurrentSequence(this.cell, output, states, weights, { reverse: direction === 1, lengths, mask });
      });
      output = side(layer.map(([output]) => output!), 2);
      lasts.push(...layer.map(([, ...last]) => last));
    }
    const last = this.cell.states.map((name, i) => [name, side(lasts.map((states) => states[i]!), 1)] as const);
    return { output, state: Object.fromEntries(last) as unknown as State };
  }

  /** The columns of a state that belong to one part. */
  #block(state: Tensor, part: number): Tensor {
    if (this.parts.length === 1) return state;
    return slice(state, { axis: 1, start: part * this.hiddenSize, end: (part + 1) * this.hiddenSize });
  }

  #mask(batch: number): Tensor | undefined {
    if (this.#recurrentDropout === 0 || !isGradEnabled()) return undefined;
    const drop = { rate: this.#recurrentDropout, random: this.#random };
    return noGrad(() => dropout(full([batch, this.hiddenSize], 1), drop));
  }

  #checkState(doing: string, state: State, batch: number): void {
    const size = this.parts.length * this.hiddenSize;
    for (const name of this.cell.states) {
      const given = state[name];
      if (given === undefined) {
        throw new TypeError(`Cannot ${doing}: state must have ${name}, got ${Object.keys(state).join(", ")}`);
      }
      checkShape(doing, `state.${name}`, given, { batch, hiddenSize: size });
    }
  }

  /**
   * Runs one time step. Each step is a separate run: while the tape is on, recurrent dropout draws a new mask.
   *
   * @param x [batch, inputSize].
   * @param state The state before it.
   * @returns The output, [batch, outputSize], and the state after it.
   * @throws {TypeError} If the shape of x or the state does not match, or the layer is bidirectional and so needs the whole
   * sequence.
   */
  step(x: Tensor, state: State): RecurrentResult<State> {
    const doing = `step ${this.cell.name}`;
    if (this.#directions === 2) {
      throw new TypeError(
        `Cannot ${doing}: the layer must be unidirectional, got a bidirectional one, which needs the whole sequence`,
      );
    }
    checkShape(doing, "x", x, { batch: undefined, inputSize: this.inputSize });
    const batch = x.shape[0]!;
    const result = this.run(reshape(x, [batch, 1, this.inputSize]), { state });
    return { output: reshape(result.output, [batch, this.outputSize]), state: result.state };
  }

  /** The initial state for a batch: zeros. */
  initialState(batch: number): State {
    const shape = [batch, this.parts.length * this.hiddenSize];
    return Object.fromEntries(this.cell.states.map((name) => [name, zeros(shape)])) as unknown as State;
  }

  /**
   * The architecture of a subclass: the options of {@linkcode RecurrentOptions} that are not about initial weights, and its own.
   *
   * @param of The subclass. A subclass of it must describe itself, since it may compute something else.
   * @param own The type of the subclass, and its own options.
   */
  protected describe(of: abstract new (...args: never) => Recurrent<State>, own: LayerArchitecture): LayerArchitecture {
    const { bias, inputGain } = this.parts[0]!.weights;
    return architectureFor(this, of, {
      ...own,
      inputSize: this.inputSize,
      hiddenSize: this.hiddenSize,
      layers: this.parts.length / this.#directions,
      bidirectional: this.#directions === 2,
      bias: bias !== undefined,
      dropout: this.#dropout,
      recurrentDropout: this.#recurrentDropout,
      layerNorm: inputGain !== undefined,
    });
  }
}

/** The weights of one layer in one direction. */
function weightsOf(cell: Cell, options: {
  readonly features: number;
  readonly hiddenSize: number;
  readonly bias: boolean;
  readonly layerNorm: boolean;
  readonly inputInitializer: Initializer;
  readonly recurrentInitializer: Initializer;
}): RecurrentWeights {
  const { features, hiddenSize, bias, layerNorm, inputInitializer, recurrentInitializer } = options;
  const { u, w, d } = layoutOf(cell);
  const vector = (value: number) => new Parameter([hiddenSize], constant(value));
  const gain = (gates: number) => new Parameter([gates * hiddenSize], constant(1));
  const biasOf = (isOwn: (gate: CellGate) => boolean) => {
    const gates = cell.gates.filter(isOwn);
    return new Parameter([gates.length * hiddenSize], (data) => {
      gates.forEach((gate, i) => gate.initializeBias(data.subarray(i * hiddenSize, (i + 1) * hiddenSize)));
    });
  };
  const { normalized } = cell;
  return {
    inputWeight: new Parameter([features, u * hiddenSize], inputInitializer),
    ...(w > 0 && { recurrentWeight: recurrentWeightOf(cell, hiddenSize, w, recurrentInitializer) }),
    ...(bias && { bias: biasOf(({ of }) => of !== "state") }),
    ...(bias && d > 0 && { recurrentBias: biasOf(({ of }) => of === "state") }),
    ...Object.fromEntries(Object.entries(cell.weights).map(([name, value]) => [name, vector(value)])),
    ...(layerNorm && { inputGain: gain(u) }),
    ...(layerNorm && w > 0 && { recurrentGain: gain(w) }),
    ...(layerNorm && normalized !== undefined && { [`${normalized}Gain`]: vector(1) }),
    ...(layerNorm && normalized !== undefined && bias && { [`${normalized}Bias`]: vector(0) }),
  };
}

/** W: the blocks of all heads, one below the other, each initialized alone. */
function recurrentWeightOf({ heads }: Cell, hidden: number, gates: number, initializer: Initializer): Parameter {
  const size = hidden / heads;
  return new Parameter([hidden, gates * size], (data) => {
    const block = size * gates * size;
    for (let head = 0; head < heads; head++) {
      initializer(data.subarray(head * block, (head + 1) * block), [size, gates * size]);
    }
  });
}

/** Concatenates tensors along an axis; returns a single one unchanged. */
function side(tensors: readonly Tensor[], axis: number): Tensor {
  return tensors.length === 1 ? tensors[0]! : concat(tensors, { axis });
}
