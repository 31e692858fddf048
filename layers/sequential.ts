import type { DType, NamedParameters, Parameter, Tensor } from "@unfold/core";
import type { ForwardOptions, Layer } from "./layer.ts";

/**
 * Layers one after the other. The parameters' names have the layer's index before them: `0.inputWeight`.
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import { Dense, LastStep, LSTM, Sequential } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const model = new Sequential([
 *   new LSTM({ inputSize: 8, hiddenSize: 64 }),
 *   new LastStep(),
 *   new Dense({ inputSize: 64, outputSize: 1 }),
 * ]);
 * assert.deepEqual(model.forward(zeros([32, 30, 8])).shape, [32, 1]);
 * assert.deepEqual(Object.keys(model.parameters()), [
 *   "0.inputWeight",
 *   "0.recurrentWeight",
 *   "0.bias",
 *   "2.weight",
 *   "2.bias",
 * ]);
 * ```
 */
export class Sequential implements Layer {
  /** The layers in order. */
  readonly layers: readonly Layer[];

  /**
   * Puts layers together.
   *
   * @param layers The layers in order; each takes what the one before gives.
   */
  constructor(layers: readonly Layer[]) {
    this.layers = layers;
  }

  /** The parameters of all layers. */
  parameters(): NamedParameters {
    const named: [string, Parameter][] = this.layers.flatMap((layer, index) =>
      Object.entries(layer.parameters()).map(([name, parameter]) =>
        [`${index}.${name}`, parameter] as [string, Parameter]
      )
    );
    return Object.fromEntries(named);
  }

  /** The last layer's output; every layer is told the lengths. */
  forward(x: Tensor<DType>, options: ForwardOptions = {}): Tensor {
    // Without layers the output is the input, which then holds floats.
    return this.layers.reduce((value: Tensor<DType>, layer) => layer.forward(value, options), x) as Tensor;
  }

  /** Resets all layers that carry a state. */
  reset(): void {
    for (const layer of this.layers) layer.reset?.();
  }
}
