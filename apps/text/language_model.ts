import {
  add,
  decodeSafetensors,
  type DType,
  encodeSafetensors,
  loadParameters,
  matmul,
  type NamedParameters,
  Parameter,
  Random,
  reshape,
  SafetensorsError,
  type SafetensorsTensor,
  type Tensor,
  uninitialized,
} from "@unfold/core";
import {
  CarriedState,
  Dense,
  Dropout,
  Embedding,
  GRU,
  type Layer,
  LSTM,
  type RecurrentLayer,
  type RecurrentState,
  Sequential,
  SimpleRNN,
} from "@unfold/layers";
import { makeTokenizer, TOKEN_KINDS, type Tokenizer, type TokenKind } from "./tokenizer.ts";

/** The recurrent layers that the app knows. */
export const CELLS = ["lstm", "gru", "rnn"] as const;
export type CellName = (typeof CELLS)[number];

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

/** All that is needed to build a model of text. */
export interface LanguageModelConfig extends StackConfig {
  readonly tokens: TokenKind;
  readonly vocabulary: readonly string[];
  /** Whether the last layer's weights are those of the embedding (Press and Wolf, 2017). */
  readonly tied: boolean;
}

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.text";

/** Makes the recurrent layers. */
export function makeRecurrent(
  { cell, hidden, layers, embedding, dropout }: StackConfig,
  { random, bidirectional = false }: { random: Random; bidirectional?: boolean },
): RecurrentLayer<RecurrentState> & Layer {
  const options = {
    inputSize: embedding,
    hiddenSize: hidden,
    layers,
    dropout: layers > 1 ? dropout : 0,
    bidirectional,
    random,
  };
  const made = cell === "rnn" ? new SimpleRNN(options) : cell === "gru" ? new GRU(options) : new LSTM(options);
  return made as RecurrentLayer<RecurrentState>;
}

/** y = x·Eᵀ + b with the weights E of an embedding. */
class TiedDense implements Layer {
  readonly #bias: Parameter;

  constructor(readonly embedding: Embedding) {
    this.#bias = new Parameter([embedding.weight.shape[0]!]);
  }

  parameters(): NamedParameters {
    return { bias: this.#bias };
  }

  forward(x: Tensor<DType>): Tensor {
    const { weight } = this.embedding;
    const rows = reshape(x as Tensor, [x.size / weight.shape[1]!, weight.shape[1]!]);
    const logits = add(matmul(rows, weight, { transposeB: true }), this.#bias);
    return reshape(logits, x.shape.with(-1, weight.shape[0]!));
  }
}

/** A model of what comes next in a text: embedding, recurrent layers that carry their state on, and the logits of each token. */
export class LanguageModel {
  readonly config: LanguageModelConfig;
  readonly tokenizer: Tokenizer;
  /** What is trained: tokens [batch, time] → logits [batch, time, size]. */
  readonly network: Sequential;
  readonly embedding: Embedding;
  readonly recurrent: RecurrentLayer<RecurrentState>;
  readonly output: Layer;

  /**
   * @param random Where the first weights, and later what is dropped, come from.
   */
  constructor(config: LanguageModelConfig, random: Random) {
    const { hidden, embedding, tied } = config;
    if (tied && embedding !== hidden) {
      throw new RangeError(
        `Cannot tie the last layer to the embedding: both must have equally many features, got ${hidden} and ${embedding}`,
      );
    }
    this.config = config;
    this.tokenizer = makeTokenizer(config.tokens, config.vocabulary);
    const { size } = this.tokenizer;
    this.embedding = new Embedding({ vocabularySize: size, outputSize: embedding, random });
    // As large as what other layers give: logits of a tied layer would start far too large.
    if (tied) {
      for (let i = 0; i < this.embedding.weight.size; i++) {
        this.embedding.weight.data[i]! *= embedding ** -0.5;
      }
    }
    this.recurrent = makeRecurrent(config, { random });
    this.output = tied ? new TiedDense(this.embedding) : new Dense({ inputSize: hidden, outputSize: size, random });
    this.network = new Sequential([
      this.embedding,
      new CarriedState(this.recurrent),
      new Dropout({ rate: config.dropout, random }),
      this.output,
    ]);
  }

  /** What is read or written one token after the other: what comes after the tokens, [batch], and the state after them. */
  step(tokens: Tensor<"i32">, state: RecurrentState): { logits: Tensor; hidden: Tensor; state: RecurrentState } {
    const { output, state: after } = this.recurrent.step(this.embedding.forward(tokens), state);
    return { logits: this.output.forward(output), hidden: output, state: after };
  }

  /** The model as a safetensors file: weights, and the configuration as metadata. */
  encode(): Uint8Array<ArrayBuffer> {
    return encodeModel("language", this.config, this.network);
  }

  /**
   * Reads a model that {@linkcode LanguageModel.encode} wrote.
   *
   * @param file The file's name, for messages.
   * @throws {SafetensorsError} If the file is damaged or no such model.
   */
  static decode(bytes: Uint8Array<ArrayBuffer>, file: string): LanguageModel {
    return decodeModel(bytes, file, "language", (config, tensors) => {
      const check = checkerOf(config);
      check("tied", typeof config.tied === "boolean", "true or false");
      checkStack(config, tensors);
      return new LanguageModel(config as unknown as LanguageModelConfig, new Random(0));
    });
  }
}

/** A configuration as a file holds it: JSON from anywhere. */
export type RawConfig = Readonly<Record<string, unknown>>;

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
