import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  Random,
  type Safetensors,
  SafetensorsError,
  type SafetensorsTensor,
  uninitialized,
} from "@unfold/core";
import { printable, quoted } from "@unfold/core/support";
import { describer, SAME } from "./_architecture.ts";
import { Dense, TiedDense } from "./dense.ts";
import { Dropout } from "./dropout.ts";
import { Embedding } from "./embedding.ts";
import { ACTIVATIONS, Lambda } from "./lambda.ts";
import type { Layer, LayerArchitecture, RecurrentLayer } from "./layer.ts";
import { LayerNorm } from "./normalization.ts";
import { CarriedState } from "./recurrent/carried_state.ts";
import { GRU } from "./recurrent/gru.ts";
import { LSTM } from "./recurrent/lstm.ts";
import { FinalState, LastStep, MaxSteps, MeanSteps } from "./recurrent/pooling.ts";
import { SimpleRNN } from "./recurrent/simple_rnn.ts";
import { Sequential } from "./sequential.ts";

/** The metadata key of the architecture, in model files and in checkpoints. */
const ARCHITECTURE = "architecture";
/** The metadata's format of a model file, and the beginning of that of a checkpoint. */
const [MODEL, CHECKPOINT] = ["unfold model 1", "unfold checkpoint"];
/** The prefix of a model's parameters in a checkpoint. */
const IN_CHECKPOINT = "model.";

/**
 * The architecture of a model as JSON: the type of each layer and the options of its constructor, without weights. It is the
 * `architecture` metadata of a model file and of a checkpoint.
 *
 * @throws {TypeError} If a layer cannot be described: a class without an `architecture()` method, or a {@linkcode Lambda} whose
 * function is not one of core's activations.
 *
 * @example
 * ```ts
 * import { architectureOf, Dense } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const dense = new Dense({ inputSize: 2, outputSize: 1 });
 * assert.equal(architectureOf(dense), '{"type":"Dense","inputSize":2,"outputSize":1,"bias":true}');
 * ```
 */
export function architectureOf(model: Layer): string {
  return JSON.stringify(describer()(model));
}

/** Options for {@linkcode saveModel}. */
export interface SaveModelOptions {
  /**
   * Text to store with the model, such as a vocabulary or a scaler as JSON. `decodeSafetensors(bytes).metadata` returns it.
   *
   * @default {{}}
   */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * Saves a model as one safetensors file: its weights, and its architecture as metadata. {@linkcode loadModel} builds the model
 * again. Carried states and random seeds are not saved; a training checkpoint has them.
 *
 * @param model A `Sequential`, or a single layer.
 * @returns The bytes of the file.
 * @throws {TypeError} If a layer cannot be described, as in {@linkcode architectureOf}, or a metadata key is taken.
 *
 * @example
 * ```ts
 * import { Random, tensor } from "@unfold/core";
 * import { Dense, LastStep, loadModel, LSTM, saveModel, Sequential } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(1);
 * const model = new Sequential([
 *   new LSTM({ inputSize: 1, hiddenSize: 8, random }),
 *   new LastStep(),
 *   new Dense({ inputSize: 8, outputSize: 1, random }),
 * ]);
 * const bytes = saveModel(model);
 * const x = tensor([[[1], [2], [3]]]);
 * assert.deepEqual(loadModel(bytes).forward(x).data, model.forward(x).data);
 * ```
 */
export function saveModel(model: Layer, options?: SaveModelOptions): Uint8Array<ArrayBuffer> {
  const { metadata = {} } = options ?? {};
  const own = { format: MODEL, [ARCHITECTURE]: architectureOf(model) };
  const taken = Object.keys(own).find((key) => Object.hasOwn(metadata, key));
  if (taken !== undefined) {
    throw new TypeError(`Cannot save the model: metadata must not have the key ${taken}, which the file itself uses`);
  }
  return encodeSafetensors(Object.entries(model.parameters()), { metadata: { ...own, ...metadata } });
}

/**
 * Builds a layer from its architecture.
 *
 * @param architecture What the layer's `architecture()` returned, read from a file: check what you do not trust.
 * @param build Builds a layer inside.
 */
export type LayerBuilder = (
  architecture: LayerArchitecture,
  build: (inner: LayerArchitecture) => Layer,
) => Layer;

/** Options for {@linkcode loadModel}. */
export interface LoadModelOptions {
  /**
   * The file's name in messages.
   *
   * @default {"the model"}
   */
  file?: string;
  /**
   * Builders for your own layer classes, by the `type` of their architecture.
   *
   * @default {{}}
   */
  layers?: Readonly<Record<string, LayerBuilder>>;
  /**
   * Draws the dropout, if the model is trained further.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/**
 * Builds the model that {@linkcode saveModel} saved, or the one in a training checkpoint, with its weights. Nothing in the file is
 * trusted: types, options and weights must fit together.
 *
 * @param bytes The bytes of the file.
 * @throws {SafetensorsError} If the file is damaged or holds no architecture, a type is unknown, an option is not valid, or the
 * weights do not fit the architecture.
 *
 * @example Your own layer
 * ```ts
 * import { multiply, Parameter, type Tensor, tensor } from "@unfold/core";
 * import { type Layer, loadModel, saveModel, Sequential } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * class Scale implements Layer {
 *   readonly factor: Parameter;
 *   constructor(readonly size: number) {
 *     this.factor = new Parameter([size], (data) => data.fill(2));
 *   }
 *   parameters = () => ({ factor: this.factor });
 *   forward = (x: Tensor) => multiply(x, this.factor);
 *   architecture = () => ({ type: "Scale", size: this.size });
 * }
 *
 * const bytes = saveModel(new Sequential([new Scale(2)]));
 * const model = loadModel(bytes, { layers: { Scale: ({ size }) => new Scale(Number(size)) } });
 * assert.deepEqual(model.forward(tensor([[1, 2]])).toArray(), [[2, 4]]);
 * ```
 */
export function loadModel(bytes: Uint8Array<ArrayBuffer>, options?: LoadModelOptions): Layer {
  const { file = "the model", layers = {}, random = Random.arbitrary() } = options ?? {};
  const { tensors, metadata } = decodeSafetensors(bytes, { file });
  try {
    const architecture = parseArchitecture(metadata);
    const weights = modelTensors(tensors, metadata);
    const model = uninitialized(() => builder(layers, random, weights)(architecture));
    loadParameters(model.parameters(), weights);
    return model;
  } catch (error) {
    const problem = printable((error as Error).message, LONGEST_PROBLEM);
    throw new SafetensorsError(`Cannot load ${printable(file, Infinity)}: ${problem}`, { cause: error });
  }
}

/** The most characters of what is wrong with a file. */
const LONGEST_PROBLEM = 900;

function parseArchitecture({ format, [ARCHITECTURE]: text }: Safetensors["metadata"]): LayerArchitecture {
  if (text !== undefined) return checked(JSON.parse(text));
  if (format?.startsWith(CHECKPOINT)) {
    throw new TypeError(
      "a checkpoint must hold the model's architecture, got none; every layer of the model must have an architecture() method",
    );
  }
  const got = format === undefined ? "a file of weights alone" : `format ${quoted(format)}`;
  throw new TypeError(`it must be a model that saveModel wrote, or a checkpoint, got ${got}`);
}

function checked(value: unknown): LayerArchitecture {
  if (typeof (value as LayerArchitecture | null)?.type === "string") return value as LayerArchitecture;
  throw new TypeError(`each layer of its architecture must have a type, got ${quoted(value)}`);
}

/** The tensors of the model: all in a model file, those of the part "model" in a checkpoint. */
function modelTensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  { format }: Safetensors["metadata"],
): ReadonlyMap<string, SafetensorsTensor> {
  if (!format?.startsWith(CHECKPOINT)) return tensors;
  return new Map(
    [...tensors].filter(([name]) => name.startsWith(IN_CHECKPOINT))
      .map(([name, tensor]) => [name.slice(IN_CHECKPOINT.length), tensor]),
  );
}

/** Builders of our layers. Their constructors check the options. */
function builtIn(random: Random): Readonly<Record<string, LayerBuilder>> {
  const made = <Options>(of: new (options: Options) => Layer): LayerBuilder => {
    return ({ type: _, id: __, ...options }) => new of({ ...options, random } as Options);
  };
  return {
    CarriedState: ({ layer }, build) => new CarriedState(build(checked(layer)) as RecurrentLayer),
    Dense: made(Dense),
    Dropout: made(Dropout),
    Embedding: made(Embedding),
    FinalState: made(FinalState),
    GRU: made(GRU),
    LSTM: made(LSTM),
    Lambda({ function: name }) {
      if (typeof name === "string" && Object.hasOwn(ACTIVATIONS, name)) return new Lambda(ACTIVATIONS[name]!);
      const names = Object.keys(ACTIVATIONS).join(", ");
      throw new TypeError(`the function of a Lambda must be one of ${names}, got ${quoted(name)}`);
    },
    LastStep: () => new LastStep(),
    LayerNorm: made(LayerNorm),
    MaxSteps: () => new MaxSteps(),
    MeanSteps: () => new MeanSteps(),
    Sequential({ layers }, build) {
      if (!Array.isArray(layers)) throw new TypeError("the layers of a Sequential must be an array");
      return new Sequential(layers.map((layer) => build(checked(layer))));
    },
    SimpleRNN: made(SimpleRNN),
    TiedDense({ embedding, bias }, build) {
      const built = build(checked(embedding));
      if (built instanceof Embedding) return new TiedDense({ embedding: built, bias: bias === true });
      throw new TypeError(`a TiedDense must share the weights of an Embedding, got ${built.constructor.name}`);
    },
  };
}

/** How many weights a layer of ours has at least, by the sizes in its architecture; 0 if they say nothing. */
function leastWeights(architecture: LayerArchitecture): number {
  const sizeOf = (name: string) => typeof architecture[name] === "number" ? architecture[name] : 0;
  const [inputs, outputs, hidden] = [sizeOf("inputSize"), sizeOf("outputSize"), sizeOf("hiddenSize")];
  const found = Math.max(
    inputs * outputs,
    sizeOf("vocabularySize") * outputs,
    inputs * hidden,
    hidden * hidden * Math.max(1, sizeOf("layers")),
  );
  return found > 0 ? found : 0;
}

/** Makes a function that builds the layers of one model, which cannot ask for many more weights than there are. */
function builder(
  layers: Readonly<Record<string, LayerBuilder>>,
  random: Random,
  weights: ReadonlyMap<string, SafetensorsTensor>,
): (of: LayerArchitecture) => Layer {
  const builders = { ...builtIn(random), ...layers };
  const there = weights.values().reduce((total, { data }) => total + data.length, 0);
  let wanted = 0;
  const built = new Map<unknown, Layer>();
  const build = (architecture: LayerArchitecture): Layer => {
    const { type, id } = architecture;
    if (type === SAME) {
      const same = built.get(id);
      if (same === undefined) {
        throw new TypeError(`a layer must come before the references to it, got reference ${quoted(id)}`);
      }
      return same;
    }
    if (!Object.hasOwn(builders, type)) {
      throw new TypeError(
        `the type of each layer must be known, got ${quoted(type)}; pass a builder for it in options.layers`,
      );
    }
    if (!Object.hasOwn(layers, type)) wanted += leastWeights(architecture);
    if (wanted > 2 * there) {
      const [least, found] = [wanted, there].map((count) => count.toLocaleString("en"));
      throw new TypeError(
        `the file must have the weights of its architecture, at least ${least} up to its ${type}, got ${found}`,
      );
    }
    const layer = builders[type]!(architecture, build);
    if (id !== undefined) built.set(id, layer);
    return layer;
  };
  return build;
}
