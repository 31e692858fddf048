import { concat, defineOp, reshape, scale, scope, slice, type Tensor } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkShape } from "../_check.ts";
import type { RecurrentLayer, RecurrentState } from "../layer.ts";

/**
 * How the gradient flows back through time: the norm of ∂loss/∂s_t at every time step t, where s_t is the hidden state. If it
 * falls towards the first steps, the gradient vanishes; if it grows, it explodes.
 *
 * Runs the layer step by step. The gradients of its parameters do not change.
 *
 * @param layer A unidirectional recurrent layer.
 * @param x [batch, time, inputSize].
 * @param loss Computes a scalar from the output, [batch, time, outputSize].
 * @returns One norm per time step, over the whole batch.
 * @throws {TypeError} If the shape of x does not match, or the layer is bidirectional.
 *
 * @example
 * ```ts
 * import { sum, tensor } from "@unfold/core";
 * import { gradientFlow, LastStep, SimpleRNN } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const rnn = new SimpleRNN({ inputSize: 1, hiddenSize: 1, activation: "relu", bias: false });
 * rnn.inputWeight.data[0] = 1;
 * rnn.recurrentWeight.data[0] = 0.5;
 * const x = tensor([[[1], [1], [1]]]);
 * const norms = gradientFlow(rnn, x, (output) => sum(new LastStep().forward(output)));
 * assert.deepEqual([...norms], [0.25, 0.5, 1]);
 * ```
 */
export function gradientFlow<State extends RecurrentState>(
  layer: RecurrentLayer<State>,
  x: Tensor,
  loss: (output: Tensor) => Tensor,
): Float64Array {
  using _ = scope();
  checkShape("follow the gradient", "x", x, { batch: undefined, time: undefined, inputSize: layer.inputSize });
  const [batch, time, inputSize] = x.shape as [number, number, number];
  const before = Object.values(layer.parameters()).map((parameter) =>
    [parameter, parameter.grad.data.slice()] as const
  );
  const norms = new Float64Array(time);
  /** The identity; its backward pass records the norm of the gradient. */
  const watched = (t: number) =>
    defineOp("gradientFlow", (state: Tensor) => ({
      inputs: [state],
      output: scale(state, 1),
      backward: (gradient) => {
        norms[t] = Math.sqrt(coreKernels.sumOfSquares(gradient.offset, gradient.size));
        return [gradient];
      },
    }));

  let state = layer.initialState(batch);
  const outputs: Tensor[] = [];
  for (let t = 0; t < time; t++) {
    const now = reshape(slice(x, { axis: 1, start: t, end: t + 1 }), [batch, inputSize]);
    const next = layer.step(now, state).state;
    const hidden = watched(t)(next.hidden!);
    state = { ...next, hidden };
    // The state of the last layer is the output.
    const output = slice(hidden, { axis: 1, start: hidden.shape[1]! - layer.outputSize });
    outputs.push(reshape(output, [batch, 1, layer.outputSize]));
  }
  loss(concat(outputs, { axis: 1 })).backward();
  for (const [parameter, gradient] of before) parameter.grad.data.set(gradient);
  return norms;
}
