import type { Tensor } from "@unfold/core";
import { kernels } from "../_kernels.ts";
import { recurrentProduct } from "./_product.ts";
import type { Cell } from "./cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

const ALL = [{ from: 0, to: 1 }];

/** The cell of `SimpleRNN`, which documents the equations. */
export function simpleRnnCell(relu: boolean): Cell {
  return {
    name: "SimpleRNN",
    gates: 1,
    blocks: ALL,
    states: ["hidden"],
    direct: false,
    recurrentBias: false,
    begin(frame) {
      const { batch, hidden, weights } = frame;
      const product = recurrentProduct(frame, ALL);
      return {
        forward() {
          const multiply = product.forward();
          return (t) => {
            const gates = frame.gates(t);
            multiply(t, frame.input(t), { offset: gates, accumulate: true });
            kernels.simpleRnnForward(batch, hidden, gates, weights.bias.offset, frame.after(0, t), relu);
          };
        },
        backward({ gradients, dOutput, dGates, dState, dInput }) {
          const back = product.backward(dGates(0), gradients);
          return {
            step(t) {
              kernels.simpleRnnBackward(batch, hidden, frame.after(0, t), dOutput(t), dState(0), dGates(t), relu);
              back.step(t, dInput);
            },
            finish: () => back.finish(frame.input(0)),
          };
        },
      };
    },
  };
}

/** The state of a {@linkcode SimpleRNN}. */
export type SimpleRNNState = {
  /** s, [batch, hiddenSize]. */
  readonly hidden: Tensor;
};

/** Options for {@linkcode SimpleRNN}. */
export interface SimpleRNNOptions extends RecurrentOptions {
  /**
   * The activation f.
   *
   * @default {"tanh"}
   */
  activation?: "tanh" | "relu";
}

/**
 * The simple recurrent network (Elman, 1990). At each time step s ← f(x·U + s·W + b), and s is the output. The textbooks' V is
 * the `Dense` layer that follows.
 *
 * With `layerNorm`, s ← f(LN(x·U) + LN(s·W) + b). The gains of LN are `inputGain` and `recurrentGain`, [hiddenSize].
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import { SimpleRNN } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const rnn = new SimpleRNN({ inputSize: 3, hiddenSize: 4, layers: 2, activation: "relu" });
 * const { output, state } = rnn.run(zeros([2, 5, 3]));
 * assert.deepEqual(output.shape, [2, 5, 4]);
 * assert.deepEqual(state.hidden.shape, [2, 8]);
 * ```
 */
export class SimpleRNN extends Recurrent<SimpleRNNState> {
  /** The activation f. */
  readonly activation: "tanh" | "relu";

  /**
   * Creates the layer and initializes its weights.
   *
   * @throws {RangeError} If a size is not a positive integer, a dropout is not in [0, 1), or the activation is unknown.
   */
  constructor(options: SimpleRNNOptions) {
    const { activation = "tanh" } = options;
    if (activation !== "tanh" && activation !== "relu") {
      throw new RangeError(
        `Cannot make SimpleRNN: activation must be "tanh" or "relu", got ${JSON.stringify(activation)}`,
      );
    }
    super(simpleRnnCell(activation === "relu"), options);
    this.activation = activation;
  }
}
