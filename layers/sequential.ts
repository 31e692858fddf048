import type { DType, NamedParameters, Parameter, SafetensorsInput, Tensor } from "@unfold/core";
import { architectureFor, describer } from "./_architecture.ts";
import { Dropout } from "./dropout.ts";
import type { DescribeLayer, ForwardOptions, Layer, LayerArchitecture, RecurrentLayer } from "./layer.ts";
import { LayerNorm } from "./normalization.ts";
import { FinalState, LastStep } from "./recurrent/pooling.ts";

/** A layer whose state belongs in a checkpoint. */
type Carrying = Pick<Sequential, "state" | "load">;

function carrying(layer: Layer): Carrying | undefined {
  const { state, load } = layer as Partial<Carrying>;
  return state !== undefined && load !== undefined ? layer as unknown as Carrying : undefined;
}

/**
 * A chain of layers. A parameter's name starts with its layer's index: `0.inputWeight`. A layer that is in the chain twice has its
 * parameters once, under the first name, and learns from both places.
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
   * @throws {TypeError} If a `LastStep` follows a bidirectional layer, or a `FinalState` a layer with another number of directions.
   */
  constructor(layers: readonly Layer[]) {
    checkDirections(layers);
    this.layers = layers;
  }

  /** The parameters of all layers, each once. */
  parameters(): NamedParameters {
    const named: Record<string, Parameter> = {};
    const seen = new Set<Parameter>();
    this.layers.forEach((layer, index) => {
      for (const [name, parameter] of Object.entries(layer.parameters())) {
        if (seen.has(parameter)) continue;
        seen.add(parameter);
        named[`${index}.${name}`] = parameter;
      }
    });
    return named;
  }

  /**
   * Runs all layers and returns the last one's output; the options go to every layer.
   *
   * @throws {TypeError} If a layer refuses its input; the message names the layer.
   */
  forward(x: Tensor<DType>, options?: ForwardOptions): Tensor {
    let value = x;
    let index = 0;
    try {
      for (; index < this.layers.length; index++) value = this.layers[index]!.forward(value, options);
    } catch (error) {
      throw locate(error, index, this.layers[index]!);
    }
    // A chain without layers returns its input, which must then hold floats.
    return value as Tensor;
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

  /** The layers. */
  architecture(describe: DescribeLayer = describer()): LayerArchitecture {
    return architectureFor(this, Sequential, { type: "Sequential", layers: this.layers.map(describe) });
  }
}

/** Where an error of a layer arose: its message without the position, the layer's path, and its name. */
const located = new WeakMap<Error, { readonly message: string; readonly path: string; readonly name: string }>();

/** The error of a layer, with the layer's position in the chain: `(in 1.2 Dense)`. */
function locate(error: unknown, index: number, layer: Layer): unknown {
  const kind = [TypeError, RangeError].find((one) => (error as Error | null)?.constructor === one);
  if (kind === undefined) return error;
  const inner = located.get(error as Error);
  const message = inner?.message ?? (error as Error).message;
  const path = inner === undefined ? `${index}` : `${index}.${inner.path}`;
  const name = inner?.name ?? layer.constructor.name;
  const outer = new kind(`${message} (in ${path} ${name})`, { cause: (error as Error).cause ?? error });
  located.set(outer, { message, path, name });
  return outer;
}

/** The number of directions of a layer's output, if it or the layer before is recurrent. */
function directionsAfter(layer: Layer, before: 1 | 2 | undefined): 1 | 2 | undefined {
  if (layer instanceof Sequential) return layer.layers.reduce((known, one) => directionsAfter(one, known), before);
  // They keep the features of each time step in their places.
  if (layer instanceof Dropout || layer instanceof LayerNorm) return before;
  const { run, hiddenSize, outputSize } = layer as Partial<RecurrentLayer>;
  if (typeof run !== "function" || hiddenSize === undefined) return undefined;
  return outputSize === 2 * hiddenSize ? 2 : 1;
}

/** Refuses layers that would take the wrong time step of a bidirectional layer's output. */
function checkDirections(layers: readonly Layer[], before?: 1 | 2, path = ""): void {
  let known = before;
  layers.forEach((layer, index) => {
    const at = `${path}${index} ${layer.constructor.name}`;
    if (layer instanceof Sequential) checkDirections(layer.layers, known, `${path}${index}.`);
    if (layer instanceof LastStep && known === 2) {
      throw new TypeError(
        `Cannot make Sequential: ${at} must follow a unidirectional layer, got a bidirectional one, whose backward direction ` +
          "has seen a single time step there; use new FinalState({ directions: 2 }), MeanSteps or MaxSteps",
      );
    }
    if (layer instanceof FinalState && known !== undefined && layer.directions !== known) {
      throw new TypeError(
        `Cannot make Sequential: ${at} must have { directions: ${known} }, as the layer before, got ${layer.directions}`,
      );
    }
    known = directionsAfter(layer, known);
  });
}
