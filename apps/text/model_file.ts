import type { Random } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { type CellName, CELLS } from "../shared/choices.ts";
import {
  checkAxis,
  checkerOf,
  decodeModel as decode,
  encodeModel as encode,
  type FileTensors,
  isSize,
  type RawConfig,
} from "../shared/model_file.ts";
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

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.text";

/**
 * Checks the tokens and the recurrent layers of a configuration. Sizes are compared with the weights, so that a bad file
 * cannot make the program allocate a huge model.
 */
export function checkStack(
  config: RawConfig,
  tensors: FileTensors,
): void {
  const check = checkerOf(config);
  check("cell", CELLS.some((name) => name === config.cell), `one of ${CELLS.join(", ")}`);
  for (const name of ["hidden", "layers", "embedding"]) {
    check(name, isSize(config[name]), "a positive integer");
  }
  check(
    "dropout",
    typeof config.dropout === "number" && config.dropout >= 0 && config.dropout < 1,
    "from 0 to below 1",
  );
  check("tokens", TOKEN_KINDS.some((name) => name === config.tokens), `one of ${TOKEN_KINDS.join(", ")}`);
  const { vocabulary } = config;
  const isVocabulary = Array.isArray(vocabulary) && vocabulary.every((token) => typeof token === "string");
  check("vocabulary", isVocabulary, "a list of texts");
  const size = config.tokens === "byte" ? 256 : (vocabulary as unknown[]).length;
  check("layers", (config.layers as number) <= tensors.size, `at most ${tensors.size}`);
  checkAxis(tensors, "0.weight", 0, size);
  checkAxis(tensors, "1.recurrentWeight", 0, config.hidden as number);
  const columns = tensors.get("0.weight")!.shape[1];
  check("embedding", config.embedding === columns, `the ${columns} columns of 0.weight`);
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
      throw new TypeError(`it must be a ${kind} model, got ${JSON.stringify(config.kind)}`);
    },
  });
}

/** A model as a safetensors file: weights, and its kind and configuration as metadata. */
export function encodeModel(kind: string, config: object, network: Layer): Uint8Array<ArrayBuffer> {
  return encode(METADATA_KEY, { kind, ...config }, network);
}
