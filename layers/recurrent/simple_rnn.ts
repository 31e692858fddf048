import type { Tensor } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { describe } from "@unfold/core/support";
import type { LayerArchitecture } from "../layer.ts";
import { type Cell, defineCell, type StepValues } from "./cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** The cell of `SimpleRNN`, which documents the equations. */
export function simpleRnnCell(activation: "tanh" | "relu"): Cell {
  return defineCell({
    name: "SimpleRNN",
    gates: { candidate: activation },
    states: ["hidden"],
    splitsRows: true,
    forward: ({ size, gates, after }) => copy(gates.candidate, after.hidden, size),
    backward: ({ size, dAfter, dGates }) => copy(dAfter.hidden, dGates.candidate, size),
  });
}

function copy(x: StepValues, y: StepValues, size: number): void {
  coreKernels.copyRows(x.offset, 0, y.offset, 0, 1, 4 * size);
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
        `Cannot make SimpleRNN: activation must be "tanh" or "relu", got ${describe(activation)}`,
      );
    }
    super(simpleRnnCell(activation), options);
    this.activation = activation;
  }

  /** The options, except those about initial weights. */
  architecture(): LayerArchitecture {
    return this.describe(SimpleRNN, { type: "SimpleRNN", activation: this.activation });
  }
}
