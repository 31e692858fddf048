import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  type Random,
  SafetensorsError,
  type SafetensorsTensor,
  uninitialized,
} from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { type CellName, CELLS } from "../shared/choices.ts";
import { checkFinite } from "../shared/models.ts";
import { TOKEN_KINDS } from "./tokenizer.ts";

/** A stack of recurrent layers. */
export interface StackConfig {
  readonly cell: CellName;
  readonly hidden: number;
  readonly layers: number;
  /** Features of a token. */
  readonly embedding: number;
  /** The share of features that training drops between layers, and before the last one. */
  readonly dropout: number;
}

/** The stack among all that was chosen. */
export function stackOf({ cell, hidden, layers, embedding, dropout }: StackConfig): StackConfig {
  return { cell, hidden, layers, embedding, dropout };
}

/** A stack's options for the layer. */
export function stackOptions({ cell, hidden, layers, embedding, dropout }: StackConfig, random: Random) {
  return { cell, inputSize: embedding, hiddenSize: hidden, layers, dropout: layers > 1 ? dropout : 0, random };
}

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.text";

/** A configuration as a file holds it: JSON from anywhere. */
type RawConfig = Readonly<Record<string, unknown>>;

/** Makes a function that throws unless an entry of a configuration is sound. */
export function checkerOf(config: RawConfig): (name: string, sound: boolean, wanted: string) => void {
  return (name, sound, wanted) => {
    if (sound) return;
    const found = JSON.stringify(config[name])?.slice(0, 80);
    throw new TypeError(`its ${name} must be ${wanted}, got ${found}`);
  };
}

/** Checks tokens and recurrent layers, against the weights too: a wrong size may be a very large one. */
export function checkStack(
  config: RawConfig,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
): void {
  const check = checkerOf(config);
  const isSize = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;
  check("cell", CELLS.some((name) => name === config.cell), `one of ${CELLS.join(", ")}`);
  for (const name of ["hidden", "layers", "embedding"]) {
    check(name, isSize(config[name]), "a whole number of 1 or more");
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
  check("layers", (config.layers as number) <= tensors.size, `${tensors.size} at most`);
  for (const [name, rows] of [["0.weight", size], ["1.recurrentWeight", config.hidden]] as const) {
    const found = tensors.get(name)?.shape[0];
    if (found !== rows) throw new TypeError(`${name} must have ${rows} rows, got ${found}`);
  }
  const columns = tensors.get("0.weight")!.shape[1];
  check("embedding", config.embedding === columns, `the ${columns} columns of 0.weight`);
}

/** Reads a model of one kind from a file; all that is wrong with it becomes a {@linkcode SafetensorsError}. */
export function decodeModel<Model extends { network: Layer }>(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  kind: string,
  build: (config: RawConfig, tensors: ReadonlyMap<string, SafetensorsTensor>) => Model,
): Model {
  const { tensors, metadata } = decodeSafetensors(bytes, { file });
  try {
    const text = metadata[METADATA_KEY];
    if (text === undefined) {
      throw new TypeError(`it must be a model of this app, got none of its ${METADATA_KEY} metadata`);
    }
    const config = Object(JSON.parse(text)) as RawConfig;
    if (config.kind !== kind) {
      throw new TypeError(`it must be a ${kind} model, got ${JSON.stringify(config.kind)}`);
    }
    const model = uninitialized(() => build(config, tensors));
    loadParameters(model.network.parameters(), tensors);
    checkFinite(model.network.parameters());
    return model;
  } catch (error) {
    throw new SafetensorsError(`Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** A model as a safetensors file: weights, and its kind and configuration as metadata. */
export function encodeModel(kind: string, config: object, network: Layer): Uint8Array<ArrayBuffer> {
  const metadata = { [METADATA_KEY]: JSON.stringify({ kind, ...config }) };
  return encodeSafetensors(Object.entries(network.parameters()), { metadata });
}
