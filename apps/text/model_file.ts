import type { Random } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { type CellName, CELLS } from "../shared/choices.ts";
import {
  checkAxis,
  checkerOf,
  checkWeights,
  decodeModel as decode,
  encodeModel as encode,
  type FileTensors,
  isNames,
  isSize,
  type RawConfig,
} from "../shared/model_file.ts";
import { quoted } from "../shared/printable.ts";
import { type BatchSize, denseSizes, embeddingSizes, recurrentSizes, type Sizes, sum } from "../shared/sizes.ts";
import { TOKEN_KINDS } from "./tokenizer.ts";

/** A stack of recurrent layers. */
export interface StackConfig {
  readonly cell: CellName;
  readonly hidden: number;
  readonly layers: number;
  /** Features per token. */
  readonly embedding: number;
  /** The dropout rate between layers and before the output layer. */
  readonly dropout: number;
}

/** Picks the options of a stack from all settings. */
export function stackOf({ cell, hidden, layers, embedding, dropout }: StackConfig): StackConfig {
  return { cell, hidden, layers, embedding, dropout };
}

/** The options of the recurrent layer for a stack. */
export function stackOptions({ cell, hidden, layers, embedding, dropout }: StackConfig, random: Random) {
  return { cell, inputSize: embedding, hiddenSize: hidden, layers, dropout: layers > 1 ? dropout : 0, random };
}

/** How much a stack with its embedding and its output layer takes. */
export function stackSizes(
  { cell, hidden, layers, embedding: features }: StackConfig,
  { vocabulary, outputs, bidirectional = false, tied = false, rows, ...size }: BatchSize & {
    /** The number of tokens. */
    readonly vocabulary: number;
    readonly outputs: number;
    readonly bidirectional?: boolean;
    readonly tied?: boolean;
    /** Rows that the output layer gets of a batch. */
    readonly rows: number;
  },
): Sizes {
  return sum(
    embeddingSizes({ vocabulary, features }, size),
    recurrentSizes({ cell, inputSize: features, hidden, layers, bidirectional }, size),
    denseSizes({ inputs: bidirectional ? 2 * hidden : hidden, outputs, rows, tied }),
  );
}

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.text";

/** Whether a value is a dropout rate. */
export function isRate(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 1;
}

/** Checks the entries of a {@linkcode StackConfig}. A file has at least a tensor for each layer. */
export function checkStackConfig(config: RawConfig, tensors: number): void {
  const check = checkerOf(config);
  check("cell", CELLS.some((name) => name === config.cell), `one of ${CELLS.join(", ")}`);
  for (const name of ["hidden", "layers", "embedding"]) {
    check(name, isSize(config[name]), "a positive integer");
  }
  check("dropout", isRate(config.dropout), "from 0 to below 1");
  check("layers", (config.layers as number) <= tensors, `at most ${tensors}`);
}

/**
 * Checks the tokens and the layers of a language model's configuration. Sizes are compared with the weights, so that a bad file
 * cannot make the program allocate a huge model.
 */
export function checkLanguageConfig(config: RawConfig, tensors: FileTensors): void {
  const check = checkerOf(config);
  checkStackConfig(config, tensors.size);
  check("tokens", TOKEN_KINDS.some((name) => name === config.tokens), `one of ${TOKEN_KINDS.join(", ")}`);
  const { vocabulary, tied } = config;
  check("tied", typeof tied === "boolean", "true or false");
  check("vocabulary", isNames(vocabulary), "a list of different texts");
  const size = config.tokens === "byte" ? 256 : (vocabulary as unknown[]).length;
  checkAxis(tensors, "0.weight", 0, size);
  checkAxis(tensors, "1.recurrentWeight", 0, config.hidden as number);
  const columns = tensors.get("0.weight")!.shape[1];
  check("embedding", config.embedding === columns, `the ${columns} columns of 0.weight`);
  const { weights } = stackSizes(config as unknown as StackConfig, {
    vocabulary: size,
    outputs: size,
    tied: tied as boolean,
    batch: 1,
    time: 1,
    rows: 1,
  });
  checkWeights(tensors, weights);
}

/**
 * Reads a model of one kind from a file.
 *
 * @throws {SafetensorsError} If the file is damaged, or not such a model.
 */
export function decodeModel<Model extends { network: Layer }>(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  kind: string,
  build: (config: RawConfig, tensors: FileTensors) => Model,
): Model {
  return decode(bytes, {
    file,
    key: METADATA_KEY,
    build: (config, tensors) => {
      if (config.kind === kind) return build(config, tensors);
      throw new TypeError(`it must be a ${kind} model, got ${quoted(config.kind)}`);
    },
  });
}

/** A model as a safetensors file: weights, and its kind and configuration as metadata. */
export function encodeModel(kind: string, config: object, network: Layer): Uint8Array<ArrayBuffer> {
  return encode(METADATA_KEY, { kind, ...config }, network);
}
