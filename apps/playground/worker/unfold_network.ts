import { noGrad, type Parameter, reshape, scope, slice, type Tensor } from "@unfold/core";
import { type Dense, gradientFlow, type RecurrentLayer, type RecurrentState, SimpleRNN } from "@unfold/layers";
import { TiedDense } from "../../text/language_model.ts";

/** The first rows and columns of a matrix, in row order. */
export interface Excerpt {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array<ArrayBuffer>;
  /** The shape of the whole matrix. */
  readonly shape: readonly [rows: number, columns: number];
}

/** A network unfolded over the time steps of one input. */
export interface Unfolding {
  readonly steps: readonly {
    /** x_t: its label, and its first features. */
    readonly input: { readonly label: string; readonly values: Float32Array<ArrayBuffer> };
    /** s_t of each layer, the lowest first: its first features. */
    readonly states: readonly Float32Array<ArrayBuffer>[];
    /** h_t: its label, and its first features. */
    readonly output: { readonly label: string; readonly values: Float32Array<ArrayBuffer> };
    /** ‖∂loss/∂s_t‖, where the loss is that of the last step. */
    readonly gradient: number;
  }[];
  /** U of the lowest layer. */
  readonly inputWeight: Excerpt;
  /** W of each layer. */
  readonly recurrentWeights: readonly Excerpt[];
  /** V. */
  readonly outputWeight: Excerpt;
  /** The gate that U and W belong to, if the cell has gates. */
  readonly gate: string | undefined;
  /** Whether every unit of the highest layer is a ReLU that outputs 0 at the last step. */
  readonly switchedOff: boolean;
  /** The number of features of x_t, s_t and h_t. */
  readonly sizes: { readonly input: number; readonly state: number; readonly output: number };
  /** The loss at the last step. */
  readonly loss: number;
}

/** What to unfold. */
export interface UnfoldOptions {
  readonly recurrent: RecurrentLayer<RecurrentState>;
  /** The layer that outputs h_t. If it is tied, V is the embedding, transposed. */
  readonly dense: Dense | TiedDense;
  /** The input, `[1, time, inputSize]`. */
  readonly x: Tensor;
  /** The label of each time step. */
  readonly labels: readonly string[];
  /** The loss at the last time step, given its output, `[1, outputSize]`. */
  readonly loss: (output: Tensor) => Tensor;
  /** The label of an output. */
  readonly labelOf: (output: Float32Array) => string;
}

/** The maximum number of state features shown, over all layers. */
const STATE = 16;
/** The maximum number of features shown of the input and the output. */
const [INPUT, OUTPUT] = [6, 6];
/** The block of the candidate gate, by the number of gates of a cell. */
const CANDIDATES: Readonly<Record<number, { readonly block: number; readonly gate: string }>> = {
  3: { block: 2, gate: "n" },
  4: { block: 2, gate: "g" },
};

/**
 * Unfolds a network over one input: the input, state and output of each step, the weights between them, and how much of
 * the last step's gradient reaches each state. As a side effect, it adds to the gradients of the dense layer.
 */
export function unfoldNetwork({ recurrent, dense, x, labels, loss, labelOf }: UnfoldOptions): Unfolding {
  using _ = scope();
  const time = x.shape[1]!;
  const { inputSize, hiddenSize } = recurrent;
  const tied = dense instanceof TiedDense;
  const outputWeight = tied ? dense.embedding.weight : dense.weight;
  const outputSize = outputWeight.shape[tied ? 0 : 1]!;
  const parameters = recurrent.parameters();
  const layers = Object.keys(parameters).filter((name) => name.endsWith("recurrentWeight")).length;
  const shown = Math.min(hiddenSize, Math.floor(STATE / layers));

  let lastLoss = NaN;
  const gradients = gradientFlow(recurrent, x, (output) => {
    const end = reshape(slice(output, { axis: 1, start: time - 1 }), [1, recurrent.outputSize]);
    const value = loss(dense.forward(end));
    lastLoss = value.item();
    return value;
  });

  let switchedOff = recurrent instanceof SimpleRNN && recurrent.activation === "relu";
  const steps = noGrad(() => {
    let state = recurrent.initialState(1);
    return labels.map((label, t) => {
      const now = reshape(slice(x, { axis: 1, start: t, end: t + 1 }), [1, inputSize]);
      const { output, state: next } = recurrent.step(now, state);
      state = next;
      const hidden = next.hidden!.data;
      const states = Array.from(
        { length: layers },
        (_, layer) => Float32Array.from(hidden.subarray(layer * hiddenSize, layer * hiddenSize + shown)),
      );
      const values = dense.forward(output).data;
      if (t === time - 1) switchedOff &&= output.data.every((value) => value === 0);
      return {
        input: { label, values: Float32Array.from(now.data.subarray(0, INPUT)) },
        states,
        output: { label: labelOf(values), values: Float32Array.from(values.subarray(0, OUTPUT)) },
        gradient: gradients[t]!,
      };
    });
  });

  const blocks = parameters.inputWeight!.shape[1]! / hiddenSize;
  const { block, gate } = CANDIDATES[blocks] ?? { block: 0, gate: undefined };
  const ofGate = (weight: Parameter, rows: number) =>
    excerpt(weight, { rows, columns: shown, from: block * hiddenSize, of: hiddenSize });
  const recurrentWeights = Object.entries(parameters).filter(([name]) => name.endsWith("recurrentWeight"));
  return {
    steps,
    inputWeight: ofGate(parameters.inputWeight!, Math.min(INPUT, inputSize)),
    recurrentWeights: recurrentWeights.map(([, weight]) => ofGate(weight, shown)),
    outputWeight: tied
      ? transposedExcerpt(outputWeight, shown, Math.min(OUTPUT, outputSize))
      : excerpt(outputWeight, { rows: shown, columns: Math.min(OUTPUT, outputSize), from: 0, of: outputSize }),
    gate,
    switchedOff,
    sizes: { input: inputSize, state: hiddenSize, output: outputSize },
    loss: lastLoss,
  };
}

/** The first rows of a matrix, and the first columns of its block of `of` columns that starts at `from`. */
function excerpt(
  { data, shape }: Parameter,
  { rows, columns, from, of }: { rows: number; columns: number; from: number; of: number },
): Excerpt {
  const width = shape[1]!;
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    values.set(data.subarray(row * width + from, row * width + from + columns), row * columns);
  }
  return { rows, columns, values, shape: [shape[0]!, of] };
}

/** The first rows and columns of a matrix's transpose. */
function transposedExcerpt({ data, shape }: Parameter, rows: number, columns: number): Excerpt {
  const [outputs, width] = shape as [number, number];
  const values = Float32Array.from(
    { length: rows * columns },
    (_, i) => data[(i % columns) * width + Math.floor(i / columns)]!,
  );
  return { rows, columns, values, shape: [width, outputs] };
}
