import { checkCounts, quoted } from "@unfold/core/support";

/** The function of a gate. `linear` is the identity. */
export type Activation = "sigmoid" | "tanh" | "relu" | "linear";

/** What a gate is computed from: `both` is the input and the hidden state. */
export type GateSource = "both" | "input" | "state";

/** A gate of a cell, if it is more than an activation. */
export interface GateOptions {
  /** Its function f. */
  readonly activation: Activation;
  /**
   * What it is computed from: f(x·U + h·W + b) from `both`, f(x·U + b) from the `input`, f(h·W + b) from the `state`. A gate that
   * needs one of the products only has no columns in the other weight.
   *
   * @default {"both"}
   */
  readonly of?: GateSource;
  /**
   * The initial value of its bias b: one number, or a function that fills it.
   *
   * @default {0}
   */
  readonly bias?: number | ((data: Float32Array) => void);
}

/** Some values of a cell at one time step: [rows, hidden], row after row. */
export interface StepValues {
  /** Where they start in the memory, in bytes: for kernels. */
  readonly offset: number;
  /** A view of them: for loops. Take it once per step, before the loop. */
  readonly data: Float32Array<ArrayBuffer>;
}

/** What a cell sees of one time step. All of its values are [rows, hidden], except the weights, [hidden]. */
export interface ForwardStep<
  Gate extends string = string,
  State extends string = string,
  Weight extends string = string,
  Saved extends string = string,
> {
  /** The number of sequences. */
  readonly rows: number;
  /** Features of the state. */
  readonly hidden: number;
  /** The number of values in each of the following: rows·hidden. */
  readonly size: number;
  /** The values of the gates, after their activation. `forward` may replace those of a linear gate, to use them in `backward`. */
  readonly gates: Readonly<Record<Gate, StepValues>>;
  /** The states before the step. */
  readonly before: Readonly<Record<State, StepValues>>;
  /** The states after the step: `forward` writes them. */
  readonly after: Readonly<Record<State, StepValues>>;
  /** Values that `forward` writes for `backward`. */
  readonly saved: Readonly<Record<Saved, StepValues>>;
  /** The cell's own weights, [hidden] each. */
  readonly weights: Readonly<Record<Weight, StepValues>>;
  /** The hidden state as it enters h·W: times the mask of recurrent dropout, if there is one. */
  readonly input: StepValues;
  /** What enters h·W of late gates instead of `input`: the cell's late `forward` writes it. */
  readonly lateInput: StepValues;
  /** The layer normalization of the state that the cell names in `normalized`, if the layer has `layerNorm`. */
  readonly norm?: StateNorm | undefined;
}

/** What a cell sees of one time step in the backward pass. Every gradient is ∂loss/∂value. */
export interface BackwardStep<
  Gate extends string = string,
  State extends string = string,
  Weight extends string = string,
  Saved extends string = string,
> extends ForwardStep<Gate, State, Weight, Saved> {
  /** The gradients of the states after the step. For the first state, the gradient of the output is included. */
  readonly dAfter: Readonly<Record<State, StepValues>>;
  /** The gradients of the gates' values: `backward` writes them. The slopes of the activations are not included. */
  readonly dGates: Readonly<Record<Gate, StepValues>>;
  /** The gradients of the states before the step: `backward` adds what reaches them directly, without h·W. */
  readonly dBefore: Readonly<Record<State, StepValues>>;
  /** The gradients of the cell's own weights, [rows, hidden]: `backward` writes those of each row, and they are summed. */
  readonly dWeights: Readonly<Record<Weight, StepValues>>;
  /** The gradient of `input`: the late `backward` adds to it. */
  readonly dInput: StepValues;
  /** The gradient of `lateInput`, for the late `backward`. */
  readonly dLateInput: StepValues;
}

/** The layer normalization of a state at one time step. */
export interface StateNorm {
  /** y = gain·x̂ + bias. */
  forward(x: StepValues, y: StepValues): void;
  /** Writes ∂loss/∂x from ∂loss/∂y, which may be the same values, and adds to the gradients of the gain and the bias. */
  backward(dy: StepValues, dx: StepValues): void;
}

/** The equations of a recurrent cell: see {@linkcode defineCell}. */
export interface CellDefinition<
  Gate extends string = string,
  State extends string = string,
  Weight extends string = string,
  Saved extends string = string,
> {
  /** The name for messages. */
  readonly name: string;
  /** The gates by name, in the order of their columns in U, W and b. */
  readonly gates: Readonly<Record<Gate, Activation | GateOptions>>;
  /** The names of the states. The hidden state comes first: it is the output, and what W multiplies. */
  readonly states: readonly State[];
  /**
   * Weights of the cell's own, [hidden] each, with their initial values: peepholes, scales.
   *
   * @default {none}
   */
  readonly weights?: Readonly<Record<Weight, number>>;
  /**
   * The names of values that `forward` keeps for `backward`.
   *
   * @default {none}
   */
  readonly saved?: readonly Saved[];
  /**
   * The number of heads. The features of the hidden state are split into so many groups, and W connects only features of the same
   * group: it is block-diagonal.
   *
   * @default {1}
   */
  readonly heads?: number;
  /**
   * Which gates layer normalization covers together, in the order of the gates.
   *
   * @default {all of them}
   */
  readonly blocks?: readonly (readonly Gate[])[];
  /**
   * A state that layer normalization also covers, on its way to the output: the step has a `norm` then.
   *
   * @default {none}
   */
  readonly normalized?: NoInfer<State>;
  /**
   * Whether threads may run the steps of different rows at the same time. `forward` and `backward` must then do all their work
   * through kernels, as `inShares` of `@unfold/core/kernels` demands. Loops over `data` must not set it.
   *
   * @default {false}
   */
  readonly splitsRows?: boolean;
  /** One time step for all rows: from the gates and the states before to the states after. */
  forward(step: ForwardStep<Gate, State, Weight, Saved>): void;
  /** The same step backward: from the gradients of the states after to those of the gates and of the states before. */
  backward(step: BackwardStep<Gate, State, Weight, Saved>): void;
  /**
   * Gates whose h·W waits for other gates, such as the candidate of a GRU whose reset gate acts before the product. They come last.
   *
   * @default {none}
   */
  readonly late?: LateGates<Gate, State, Weight, Saved>;
}

/** Gates whose recurrent product takes another input than the hidden state: one that the other gates determine. */
export interface LateGates<
  Gate extends string = string,
  State extends string = string,
  Weight extends string = string,
  Saved extends string = string,
> {
  /** Their names. */
  readonly gates: readonly NoInfer<Gate>[];
  /** Writes `lateInput`, which W multiplies, from the other gates and `input`. */
  forward(step: ForwardStep<Gate, State, Weight, Saved>): void;
  /** From `dLateInput`, writes the gradients of gates that `backward` did not write, and adds to `dInput`. */
  backward(step: BackwardStep<Gate, State, Weight, Saved>): void;
}

/** A gate of a {@linkcode Cell}. */
export interface CellGate {
  /** Its name. */
  readonly name: string;
  /** Its function. */
  readonly activation: Activation;
  /** What it is computed from. */
  readonly of: GateSource;
  /** Fills its bias. */
  readonly initializeBias: (data: Float32Array) => void;
  /** Whether its recurrent product waits for other gates. */
  readonly isLate: boolean;
}

/** A cell, checked and with all defaults: what {@linkcode defineCell} returns and {@linkcode Recurrent} takes. */
export interface Cell
  extends
    Pick<CellDefinition, "name" | "forward" | "backward" | "late" | "normalized">,
    Readonly<Required<Pick<CellDefinition, "states" | "weights" | "saved" | "heads" | "blocks" | "splitsRows">>> {
  /** The gates, in the order of their columns. */
  readonly gates: readonly CellGate[];
}

const ACTIVATIONS: readonly string[] = ["linear", "sigmoid", "tanh", "relu"] satisfies Activation[];
const SOURCES: readonly string[] = ["both", "input", "state"] satisfies GateSource[];
/** Names that weights of every layer have. */
const TAKEN = ["inputWeight", "recurrentWeight", "bias", "recurrentBias", "inputGain", "recurrentGain"];

/**
 * Defines a recurrent cell by its equations. A layer is a class that extends {@linkcode Recurrent} and passes the cell to it.
 *
 * At each time step, the layer computes the gates: f(x·U + h·W + b), where f is the activation that the cell declares for the
 * gate, x the input and h the hidden state before the step. The cell computes the rest: `forward` the new states from the values of
 * the gates and the states before, `backward` the gradients of the gates' values and of those states. It works on all sequences of
 * a batch at once, element by element; every value is [rows, hidden].
 *
 * The layer adds the bias b of each gate once, before its activation, so a cell never sees it. A layer with `bias: false` has
 * none. The slope of the activation is the layer's work too: `backward` writes the gradient of the value after the activation.
 *
 * The layer also computes x·U for all time steps with one product, packs W once per run, stores states and gates for the backward
 * pass, takes care of padding, direction, stacked layers, dropout and layer normalization, and computes the gradients of U, W, b
 * and x. All of it is the same code for the cells of this library.
 *
 * `forward` and `backward` are either loops over `data`, or calls of kernels with `offset`. The loops run on the main thread, while
 * the products are split over all threads; a cell of kernels can set `splitsRows` and run on all of them.
 *
 * `checkCell` of `@unfold/layers/testing` tests a cell.
 *
 * @throws {TypeError} If the definition contradicts itself, or names an unknown activation.
 *
 * @example A light recurrent unit: f = σ(x·U_f + h·W_f + b_f), n = tanh(x·Uₙ + bₙ), h ← (1 − f) ⊙ h + f ⊙ n
 * ```ts
 * import { type Tensor, zeros } from "@unfold/core";
 * import { type Cell, defineCell, Recurrent, type RecurrentOptions } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const cell: Cell = defineCell({
 *   name: "LightUnit",
 *   gates: { forget: "sigmoid", candidate: { activation: "tanh", of: "input" } },
 *   states: ["hidden"],
 *   forward({ size, gates, before, after }) {
 *     const [f, n] = [gates.forget.data, gates.candidate.data];
 *     const [h, next] = [before.hidden.data, after.hidden.data];
 *     for (let i = 0; i < size; i++) next[i] = (1 - f[i]!) * h[i]! + f[i]! * n[i]!;
 *   },
 *   backward({ size, gates, before, dAfter, dGates, dBefore }) {
 *     const [f, n, h] = [gates.forget.data, gates.candidate.data, before.hidden.data];
 *     const [d, df, dn, dh] = [dAfter.hidden.data, dGates.forget.data, dGates.candidate.data, dBefore.hidden.data];
 *     for (let i = 0; i < size; i++) {
 *       df[i] = d[i]! * (n[i]! - h[i]!);
 *       dn[i] = d[i]! * f[i]!;
 *       dh[i]! += d[i]! * (1 - f[i]!);
 *     }
 *   },
 * });
 *
 * class LightUnit extends Recurrent<{ readonly hidden: Tensor }> {
 *   constructor(options: RecurrentOptions) {
 *     super(cell, options);
 *   }
 * }
 *
 * const layer = new LightUnit({ inputSize: 3, hiddenSize: 4, layers: 2, bidirectional: true });
 * assert.deepEqual(layer.forward(zeros([2, 5, 3])).shape, [2, 5, 8]);
 * assert.deepEqual(layer.recurrentWeight.shape, [4, 4]); // the candidate has no columns in W
 * ```
 */
export function defineCell<
  Gate extends string,
  State extends string,
  Weight extends string = never,
  Saved extends string = never,
>(definition: CellDefinition<Gate, State, Weight, Saved>): Cell {
  const { name, states, saved = [], heads = 1, weights = {}, splitsRows = false, normalized } = definition;
  const late: LateGates<Gate, State, Weight, Saved> | undefined = definition.late;
  const doing = `define the cell ${name}`;
  const gates = Object.entries<Activation | GateOptions>(definition.gates)
    .map(([gate, options]) => gateOf(doing, gate, options, late?.gates.includes(gate as Gate) === true));
  const blocks = definition.blocks ?? [gates.map(({ name }) => name)];
  const refuse = (what: string, got: string): never => {
    throw new TypeError(`Cannot ${doing}: ${what}, got ${got}`);
  };
  if (!gates.some(({ of }) => of !== "state")) refuse("it must have a gate that sees the input", "none");
  if (states.length === 0) refuse("it must have a state, the hidden one", "none");
  if (new Set(states).size < states.length) refuse("the names of its states must differ", quoted(states.join(", ")));
  checkCounts(doing, { heads });
  if (blocks.flat().join() !== gates.map(({ name }) => name).join()) {
    refuse("blocks must name each gate once, in their order", quoted(blocks.flat().join(", ")));
  }
  const own = Object.keys(weights);
  const taken = own.find((weight) => TAKEN.includes(weight) || states.some((state) => isNorm(weight, state)));
  if (taken !== undefined) refuse("the name of a weight must not be one that the layer uses", quoted(taken));
  if (normalized !== undefined && !states.includes(normalized)) {
    refuse("normalized must be a state", quoted(normalized));
  }
  if (late !== undefined) {
    const unknown = late.gates.find((gate) => !gates.some(({ name }) => name === gate));
    if (unknown !== undefined) refuse("late gates must be gates", quoted(unknown));
    const first = gates.findIndex(({ isLate }) => isLate);
    if (first <= 0 || gates.slice(first).some(({ isLate }) => !isLate)) {
      refuse("late gates must come after the others", quoted(late.gates.join(", ")));
    }
    const apart = gates.find(({ isLate, of }) => isLate && of !== "both");
    if (apart !== undefined) {
      refuse(`late gates must be of "both", like all others`, `${quoted(apart.name)} of "${apart.of}"`);
    }
    if (heads > 1) refuse("a cell with late gates must have 1 head", String(heads));
  }
  return { ...definition as CellDefinition, gates, states, saved, heads, weights, blocks, splitsRows };
}

/** Whether a name is that of the gain or the bias of a normalized state. */
function isNorm(name: string, state: string): boolean {
  return name === `${state}Gain` || name === `${state}Bias`;
}

function gateOf(doing: string, name: string, options: Activation | GateOptions, isLate: boolean): CellGate {
  const { activation, of = "both", bias = 0 } = typeof options === "string" ? { activation: options } : options;
  const checked = (what: string, value: string, known: readonly string[]) => {
    if (known.includes(value)) return;
    const list = known.map((one) => `"${one}"`).join(", ");
    throw new TypeError(
      `Cannot ${doing}: ${what} of gate ${quoted(name)} must be one of ${list}, got ${quoted(value)}`,
    );
  };
  checked("the activation", activation, ACTIVATIONS);
  checked("the source", of, SOURCES);
  const initializeBias = typeof bias === "number" ? (data: Float32Array) => void data.fill(bias) : bias;
  return { name, activation, of, initializeBias, isLate };
}
