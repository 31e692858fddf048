import type { DType, NamedParameters, Parameter, SafetensorsInput, Tensor } from "@unfold/core";
import type { ForwardOptions, Layer } from "./layer.ts";

/** A layer whose state belongs in a checkpoint. */
type Carrying = Pick<Sequential, "state" | "load">;

function carrying(layer: Layer): Carrying | undefined {
  const { state, load } = layer as Partial<Carrying>;
  return state !== undefined && load !== undefined ? layer as unknown as Carrying : undefined;
}

/**
 * A chain of layers. A parameter's name starts with its layer's index: `0.inputWeight`.
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
   * Creates the chain.
   *
   * @param layers The layers in order; the output of each is the input of the next.
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

  /** Runs all layers and returns the last one's output; the options go to every layer. */
  forward(x: Tensor<DType>, options: ForwardOptions = {}): Tensor {
    // A chain without layers returns its input, which must then hold floats.
    return this.layers.reduce((value: Tensor<DType>, layer) => layer.forward(value, options), x) as Tensor;
  }

  /** The states that the layers carry, for a checkpoint: `0.hidden` and so on. */
  state(): ReadonlyMap<string, SafetensorsInput> {
    return new Map(
      this.layers.flatMap((layer, index) =>
        [...carrying(layer)?.state() ?? []].map(([name, entry]) => [`${index}.${name}`, entry] as const)
      ),
    );
  }

  /**
   * Restores what {@linkcode Sequential.state} returned.
   *
   * @throws {TypeError} If no layer carries an entry, or its shape does not match.
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

  /** Resets every layer that carries a state. */
  reset(): void {
    for (const layer of this.layers) layer.reset?.();
  }
}
