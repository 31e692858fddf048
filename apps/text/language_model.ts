import { Random, type Tensor } from "@unfold/core";
import {
  CarriedState,
  Dense,
  Dropout,
  Embedding,
  type RecurrentLayer,
  type RecurrentState,
  Sequential,
  TiedDense,
} from "@unfold/layers";
import { makeRecurrent } from "../shared/models.ts";
import type { BatchSize, Sizes } from "../shared/sizes.ts";
import {
  checkLanguageConfig,
  decodeModel,
  encodeModel,
  type StackConfig,
  stackOptions,
  stackSizes,
} from "./model_file.ts";
import { makeTokenizer, type Tokenizer, type TokenKind } from "./tokenizer.ts";

/** How much the network of a configuration takes, for batches of this size. */
export function languageSizes(config: LanguageModelConfig, { batch, time }: BatchSize): Sizes {
  const { tokens, vocabulary, tied } = config;
  const size = tokens === "byte" ? 256 : vocabulary.length;
  return stackSizes(config, { vocabulary: size, outputs: size, tied, batch, time, rows: batch * time });
}

/** The configuration of a language model. */
export interface LanguageModelConfig extends StackConfig {
  readonly tokens: TokenKind;
  readonly vocabulary: readonly string[];
  /** Whether the output layer shares its weights with the embedding (Press and Wolf, 2017). */
  readonly tied: boolean;
}

/**
 * A language model: an embedding, recurrent layers that carry their state from batch to batch, and an output layer for
 * the logits of the next token.
 */
export class LanguageModel {
  readonly config: LanguageModelConfig;
  readonly tokenizer: Tokenizer;
  /** The network: tokens [batch, time] → logits [batch, time, size]. */
  readonly network: Sequential;
  readonly embedding: Embedding;
  readonly recurrent: RecurrentLayer<RecurrentState>;
  readonly output: Dense | TiedDense;

  /**
   * @param random Initializes the weights, and later draws dropout masks.
   * @throws {RangeError} If a tied model's embedding and hidden sizes differ.
   */
  constructor(config: LanguageModelConfig, random: Random) {
    const { hidden, embedding, tied } = config;
    if (tied && embedding !== hidden) {
      throw new RangeError(
        `Cannot tie the output layer to the embedding: embedding must equal hidden, got ${embedding} and ${hidden}`,
      );
    }
    this.config = config;
    this.tokenizer = makeTokenizer(config.tokens, config.vocabulary);
    const { size } = this.tokenizer;
    this.embedding = new Embedding({ vocabularySize: size, outputSize: embedding, random });
    // An embedding's initial weights are too large for an output layer.
    if (tied) {
      for (let i = 0; i < this.embedding.weight.size; i++) {
        this.embedding.weight.data[i]! *= embedding ** -0.5;
      }
    }
    this.recurrent = makeRecurrent(stackOptions(config, random));
    this.output = tied
      ? new TiedDense({ embedding: this.embedding })
      : new Dense({ inputSize: hidden, outputSize: size, random });
    this.network = new Sequential([
      this.embedding,
      new CarriedState(this.recurrent),
      new Dropout({ rate: config.dropout, random }),
      this.output,
    ]);
  }

  /**
   * Runs one time step.
   *
   * @param tokens One token per sequence, [batch].
   * @returns The logits of the next token, the output of the last recurrent layer, and the new state.
   */
  step(tokens: Tensor<"i32">, state: RecurrentState): { logits: Tensor; hidden: Tensor; state: RecurrentState } {
    const { output, state: after } = this.recurrent.step(this.embedding.forward(tokens), state);
    return { logits: this.output.forward(output), hidden: output, state: after };
  }

  /** How much the model takes, for batches of this size. */
  sizes(batch: BatchSize): Sizes {
    return languageSizes(this.config, batch);
  }

  /** The model as a safetensors file, with its configuration as metadata. */
  toFile(): Uint8Array<ArrayBuffer> {
    return encodeModel("language", this.config, this.network);
  }

  /**
   * Reads a model that {@linkcode LanguageModel.toFile} wrote.
   *
   * @param file The file's name, for messages.
   * @throws {SafetensorsError} If the file is damaged or not a language model.
   */
  static fromFile(bytes: Uint8Array<ArrayBuffer>, file: string): LanguageModel {
    return decodeModel(bytes, file, "language", (config, tensors) => {
      checkLanguageConfig(config, tensors);
      return new LanguageModel(config as unknown as LanguageModelConfig, new Random(0));
    });
  }
}
