import { noGrad, Random, scope, softmax, tensor } from "@unfold/core";
import { Dense, Dropout, Embedding, FinalState, Sequential } from "@unfold/layers";
import { checkerOf, isSize } from "../shared/model_file.ts";
import { makeRecurrent } from "../shared/models.ts";
import { checkStack, decodeModel, encodeModel, type StackConfig, stackOptions } from "./model_file.ts";
import { makeTokenizer, type Tokenizer, type TokenKind, UNKNOWN } from "./tokenizer.ts";

/** The ends of a text, of which one is read if the text is long. */
export const KEEPS = ["start", "end"] as const;
export type Keep = (typeof KEEPS)[number];

/** The configuration of a classifier. */
export interface ClassifierConfig extends StackConfig {
  readonly tokens: TokenKind;
  readonly vocabulary: readonly string[];
  readonly bidirectional: boolean;
  /** The maximum number of tokens read from a text. The rest is ignored. */
  readonly longest: number;
  /** The end of longer texts that is read. Default: the start. */
  readonly keep?: Keep;
  readonly classes: readonly string[];
}

/** Tokens of some texts. */
export interface TokenCounts {
  readonly tokens: number;
  /** Tokens that are not in the vocabulary. */
  readonly unknown: number;
  /** Texts longer than what is read. */
  readonly cut: number;
}

/** The prediction for one text. */
interface Prediction {
  /** The index of the most likely class. */
  readonly index: number;
  readonly label: string;
  /** The probability of each class. */
  readonly probabilities: readonly number[];
}

/** Classifies texts: an embedding, recurrent layers, and an output layer on their final state. */
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
      recurrent,
      // One entry, so that the parameters keep the names that files of earlier versions have.
      new Sequential([new FinalState({ directions: bidirectional ? 2 : 1 }), new Dropout({ rate: dropout, random })]),
      new Dense({ inputSize: recurrent.outputSize, outputSize: classes.length, random }),
    ]);
  }

  /** The tokens of a text, truncated to the maximum length. */
  tokensOf(text: string): Int32Array {
    return this.cut(this.tokenizer.encode(text));
  }

  /** Tokens cut to the longest length that is read. */
  cut(tokens: Int32Array): Int32Array {
    const { longest, keep = "start" } = this.config;
    return keep === "start" ? tokens.subarray(0, longest) : tokens.subarray(Math.max(0, tokens.length - longest));
  }

  /** Counts tokens, those that are not in the vocabulary, and texts that are cut. */
  count(texts: readonly string[]): TokenCounts {
    const unknown = this.tokenizer.vocabulary.indexOf(UNKNOWN);
    const counts = { tokens: 0, unknown: 0, cut: 0 };
    for (const text of texts) {
      const tokens = this.tokenizer.encode(text);
      counts.tokens += tokens.length;
      if (unknown >= 0) { for (const token of tokens) if (token === unknown) counts.unknown++; }
      if (tokens.length > this.config.longest) counts.cut++;
    }
    return counts;
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
      check("keep", config.keep === undefined || KEEPS.some((keep) => keep === config.keep), "start or end");
      const isList = Array.isArray(classes) && classes.length >= 2 &&
        classes.every((label) => typeof label === "string");
      check("classes", isList, "a list of at least two strings");
      checkStack(config, tensors);
      return new Classifier(config as unknown as ClassifierConfig, new Random(0));
    });
  }
}
