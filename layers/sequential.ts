import type { DType, NamedParameters, Parameter, SafetensorsInput, Tensor } from "@unfold/core";
import type { ForwardOptions, Layer } from "./layer.ts";

/** A layer with a state that a checkpoint holds. */
type Carrying = Pick<Sequential, "state" | "load">;

function carrying(layer: Layer): Carrying | undefined {
  const { state, load } = layer as Partial<Carrying>;
  return state !== undefined && load !== undefined ? layer as unknown as Carrying : undefined;
}

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

  /** The states that layers carry, for a checkpoint: `0.hidden` and so on. */
  state(): ReadonlyMap<string, SafetensorsInput> {
    return new Map(
      this.layers.flatMap((layer, index) =>
        [...carrying(layer)?.state() ?? []].map(([name, entry]) => [`${index}.${name}`, entry] as const)
      ),
    );
  }

  /**
   * Goes on from what {@linkcode Sequential.state} gave.
   *
   * @throws {TypeError} If an entry belongs to no layer that carries a state, or does not fit.
   */
  load(state: ReadonlyMap<string, SafetensorsInput>): void {
    const owned = (index: number) => [...state].filter(([name]) => name.startsWith(`${index}.`));
    const carriers = this.layers.flatMap((layer, index) => carrying(layer) === undefined ? [] : [index]);
    const stray = [...state.keys()].filter((name) => !carriers.includes(Number(name.split(".")[0])));
    if (stray.length > 0) throw new TypeError(`Cannot load a carried state: no layer carries ${stray.join(", ")}`);
    for (const index of carriers) {
      carrying(this.layers[index]!)!.load(
        new Map(owned(index).map(([name, entry]) => [name.slice(`${index}.`.length), entry])),
      );
    }
  }

  /** Resets all layers that carry a state. */
  reset(): void {
    for (const layer of this.layers) layer.reset?.();
  }
}
