import {
  type DType,
  type NamedParameters,
  noGrad,
  Random,
  scope,
  slice,
  softmax,
  type Tensor,
  tensor,
} from "@unfold/core";
import {
  Dense,
  Dropout,
  Embedding,
  type ForwardOptions,
  type Layer,
  type RecurrentLayer,
  type RecurrentState,
  Sequential,
} from "@unfold/layers";
import { checkerOf, isSize } from "../shared/model_file.ts";
import { makeRecurrent } from "../shared/models.ts";
import { checkStack, decodeModel, encodeModel, type StackConfig, stackOptions } from "./model_file.ts";
import { makeTokenizer, type Tokenizer, type TokenKind } from "./tokenizer.ts";

/** The configuration of a classifier. */
export interface ClassifierConfig extends StackConfig {
  readonly tokens: TokenKind;
  readonly vocabulary: readonly string[];
  readonly bidirectional: boolean;
  /** The maximum number of tokens read from a text. The rest is ignored. */
  readonly longest: number;
  readonly classes: readonly string[];
}

/** The prediction for one text. */
interface Prediction {
  /** The index of the most likely class. */
  readonly index: number;
  readonly label: string;
  /** The probability of each class. */
  readonly probabilities: readonly number[];
}

/**
 * The last hidden state of a recurrent layer. With two directions, the last state of each, concatenated: each has read
 * the whole text by then.
 */
export class FinalState implements Layer {
  constructor(readonly recurrent: RecurrentLayer<RecurrentState>) {}

  parameters(): NamedParameters {
    return this.recurrent.parameters();
  }

  forward(x: Tensor<DType>, options: ForwardOptions = {}): Tensor {
    const { hidden } = this.recurrent.run(x as Tensor, options).state;
    return slice(hidden!, { axis: 1, start: hidden!.shape[1]! - this.recurrent.outputSize });
  }
}

/** Classifies texts: an embedding, recurrent layers, and an output layer on their last state. */
export class Classifier {
  readonly config: ClassifierConfig;
  readonly tokenizer: Tokenizer;
  /** The network: tokens [batch, time] and their lengths → logits [batch, classes]. */
  readonly network: Sequential;

  /**
   * @param random Initializes the weights, and later draws dropout masks.
   */
  constructor(config: ClassifierConfig, random: Random) {
    const { embedding, bidirectional, dropout, classes } = config;
    this.config = config;
    this.tokenizer = makeTokenizer(config.tokens, config.vocabulary);
    const recurrent = makeRecurrent({ ...stackOptions(config, random), bidirectional });
    this.network = new Sequential([
      new Embedding({ vocabularySize: this.tokenizer.size, outputSize: embedding, random }),
      new FinalState(recurrent),
      new Dropout({ rate: dropout, random }),
      new Dense({ inputSize: recurrent.outputSize, outputSize: classes.length, random }),
    ]);
  }

  /** The tokens of a text, truncated to the maximum length. */
  tokensOf(text: string): Int32Array {
    return this.tokenizer.encode(text).subarray(0, this.config.longest);
  }

  /** Classifies texts. Each must have at least one token. */
  predict(texts: readonly string[]): Prediction[] {
    const sequences = texts.map((text) => this.tokensOf(text));
    const lengths = sequences.map(({ length }) => length);
    const time = Math.max(...lengths);
    const tokens = new Int32Array(texts.length * time);
    sequences.forEach((sequence, row) => tokens.set(sequence, row * time));
    using _ = scope();
    const x = tensor(tokens, { shape: [texts.length, time] });
    const rows = noGrad(() => softmax(this.network.forward(x, { lengths }))).toArray() as number[][];
    return rows.map((probabilities) => {
      const index = probabilities.indexOf(Math.max(...probabilities));
      return { index, label: this.config.classes[index]!, probabilities };
    });
  }

  /** The classifier as a safetensors file, with its configuration as metadata. */
  toFile(): Uint8Array<ArrayBuffer> {
    return encodeModel("classifier", this.config, this.network);
  }

  /**
   * Reads a classifier that {@linkcode Classifier.toFile} wrote.
   *
   * @param file The file's name, for messages.
   * @throws {SafetensorsError} If the file is damaged or not a classifier.
   */
  static fromFile(bytes: Uint8Array<ArrayBuffer>, file: string): Classifier {
    return decodeModel(bytes, file, "classifier", (config, tensors) => {
      const check = checkerOf(config);
      const { bidirectional, longest, classes } = config;
      check("bidirectional", typeof bidirectional === "boolean", "true or false");
      check("longest", isSize(longest), "a positive integer");
      const isList = Array.isArray(classes) && classes.length >= 2 &&
        classes.every((label) => typeof label === "string");
      check("classes", isList, "a list of at least two strings");
      checkStack(config, tensors);
      return new Classifier(config as unknown as ClassifierConfig, new Random(0));
    });
  }
}
