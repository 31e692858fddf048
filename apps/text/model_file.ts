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

/** The configuration of a stack of recurrent layers. */
export interface StackConfig {
  readonly cell: CellName;
  readonly hidden: number;
  readonly layers: number;
  /** Features per token. */
  readonly embedding: number;
  /** The dropout rate between the recurrent layers and before the output layer. */
  readonly dropout: number;
}

/** Picks the stack's configuration out of larger settings. */
export function stackOf({ cell, hidden, layers, embedding, dropout }: StackConfig): StackConfig {
  return { cell, hidden, layers, embedding, dropout };
}

/** The options of the recurrent layer for a stack. */
export function stackOptions({ cell, hidden, layers, embedding, dropout }: StackConfig, random: Random) {
  return { cell, inputSize: embedding, hiddenSize: hidden, layers, dropout: layers > 1 ? dropout : 0, random };
}

/** The metadata key of the configuration. */
const METADATA_KEY = "unfold.text";

/** A configuration as parsed from a file, not yet checked. */
type RawConfig = Readonly<Record<string, unknown>>;

/** A model as a safetensors file, with its kind and configuration as metadata. */
export function encodeModel(kind: string, config: object, network: Layer): Uint8Array<ArrayBuffer> {
  const metadata = { [METADATA_KEY]: JSON.stringify({ kind, ...config }) };
  return encodeSafetensors(Object.entries(network.parameters()), { metadata });
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
  build: (config: RawConfig, tensors: ReadonlyMap<string, SafetensorsTensor>) => Model,
): Model {
  const { tensors, metadata } = decodeSafetensors(bytes, { file });
  try {
    const text = metadata[METADATA_KEY];
    if (text === undefined) {
      throw new TypeError(`it must be a model of this app, got no ${METADATA_KEY} metadata`);
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

/** Returns a function that throws a `TypeError` if an entry of the configuration is not valid. */
export function checkerOf(config: RawConfig): (name: string, valid: boolean, wanted: string) => void {
  return (name, valid, wanted) => {
    if (valid) return;
    const found = JSON.stringify(config[name])?.slice(0, 80);
    throw new TypeError(`its ${name} must be ${wanted}, got ${found}`);
  };
}

/**
 * Checks the tokens and the recurrent layers of a configuration. Sizes are compared with the weights, so that a bad
 * file cannot make the program allocate a huge model.
 */
export function checkStack(config: RawConfig, tensors: ReadonlyMap<string, SafetensorsTensor>): void {
  const check = checkerOf(config);
  const isSize = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;
  check("cell", CELLS.some((name) => name === config.cell), `one of ${CELLS.join(", ")}`);
  for (const name of ["hidden", "layers", "embedding"]) {
    check(name, isSize(config[name]), "a positive integer");
  }
  check(
    "dropout",
    typeof config.dropout === "number" && config.dropout >= 0 && config.dropout < 1,
    "a number in [0, 1)",
  );
  check("tokens", TOKEN_KINDS.some((name) => name === config.tokens), `one of ${TOKEN_KINDS.join(", ")}`);
  const { vocabulary } = config;
  const isVocabulary = Array.isArray(vocabulary) && vocabulary.every((token) => typeof token === "string");
  check("vocabulary", isVocabulary, "a list of strings");
  const size = config.tokens === "byte" ? 256 : (vocabulary as unknown[]).length;
  check("layers", (config.layers as number) <= tensors.size, `at most ${tensors.size}`);
  for (const [name, rows] of [["0.weight", size], ["1.recurrentWeight", config.hidden]] as const) {
    const found = tensors.get(name)?.shape[0];
    if (found !== rows) throw new TypeError(`${name} must have ${rows} rows, got ${found}`);
  }
  const columns = tensors.get("0.weight")!.shape[1];
  check("embedding", config.embedding === columns, `${columns}, the columns of 0.weight`);
}
