import { insideOp, record } from "./_tape.ts";
import { type DType, formatShape, type Tensor } from "./tensor.ts";

/** What an op's forward returns. */
export interface OpResult<Output extends Tensor | readonly Tensor[]> {
  /** The tensors that gradients flow to. */
  inputs: readonly Tensor[];
  /** The value, a new tensor, or several. */
  output: Output;
  /**
   * ∂loss/∂input of each input, in their order, from ∂loss/∂output of each output. `undefined` where no gradient flows;
   * an input whose `requiresGrad` is false may be skipped likewise.
   */
  backward: (...gradients: Tensor[]) => readonly (Tensor | undefined)[];
}

/**
 * Defines a differentiable op: a forward that computes a value and hands back how gradients return through it. All ops of
 * this library are defined with it.
 *
 * Ops called inside the forward and the backward are not recorded. Whether a gradient will be asked for, and so whether it
 * is worth saving something for it, {@linkcode willRecord} tells.
 *
 * @param name For messages.
 * @param forward Computes the value from the op's arguments, which it should check.
 * @returns The op.
 *
 * @example y = x², ∂y/∂x = 2x
 * ```ts
 * import { defineOp, multiply, scale, type Tensor, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const square: (x: Tensor) => Tensor = defineOp("square", (x: Tensor) => ({
 *   inputs: [x],
 *   output: multiply(x, x),
 *   backward: (dy) => [multiply(dy, scale(x, 2))],
 * }));
 *
 * const x = tensor(3, { requiresGrad: true });
 * square(x).backward();
 * assert.equal(x.grad?.item(), 6);
 * ```
 */
export function defineOp<Args extends readonly unknown[], Output extends Tensor | readonly Tensor[]>(
  name: string,
  forward: (...args: Args) => OpResult<Output>,
): (...args: Args) => Output {
  return (...args) => {
    const { inputs, output, backward } = insideOp(() => forward(...args));
    for (const { dtype, shape } of inputs as readonly Tensor<DType>[]) {
      if (dtype !== "f32") {
        throw new TypeError(
          `Cannot ${name}: inputs must hold floats (dtype "f32"), got "${dtype}" of shape ${formatShape(shape)}`,
        );
      }
    }
    record(name, inputs, Array.isArray(output) ? output : [output], backward);
    return output;
  };
}
