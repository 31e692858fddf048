import { noGrad, Random, scope, type Tensor, tensor } from "@unfold/core";
import {
  checkAxis,
  checkerOf,
  checkWeights,
  type FileTensors,
  isNames,
  isSize,
  type RawConfig,
} from "../../shared/model_file.ts";
import { checkStackConfig, decodeModel, encodeModel, isRate } from "../model_file.ts";
import { BagOfTerms } from "./bag_of_terms.ts";
import { type EncoderConfig, encoderSizes, makeEncoder, POOLS, TextNetwork } from "./network.ts";
import { inverseFrequencies, Terms, type TextFrequencies } from "./terms.ts";
import { modelLabel } from "../summary.ts";
import { UNKNOWN } from "../tokenizer.ts";
import { CLASSIFIER_TOKENS, ClassifierTokenizer, type ClassifierTokens } from "./tokens.ts";

/** What is read of a text that is longer than a network takes at once: all of it in pieces whose votes count, or one end. */
export const KEEPS = ["all", "start", "end"] as const;
export type Keep = (typeof KEEPS)[number];

/** The classifiers. */
export const MODELS = ["network", "naive-bayes", "logistic"] as const;
export type ModelName = (typeof MODELS)[number];

/** The terms of a {@linkcode BagOfTerms}. */
export interface BagConfig {
  /** The terms of several tokens: a parent and a last token for each, one after the other. */
  readonly parents: readonly number[];
  /** With TF-IDF: in how many texts each term is. Without it, terms are counted. */
  readonly frequencies?: TextFrequencies;
}

/** The configuration of a classifier. */
export interface ClassifierConfig {
  readonly model: ModelName;
  readonly tokens: ClassifierTokens;
  readonly vocabulary: readonly string[];
  readonly classes: readonly string[];
  /** The maximum number of tokens that are read at once, and what is done with longer texts. Without it, all are read. */
  readonly limit?: { readonly longest: number; readonly keep: Keep };
  /** The part that reads a text in order, if it has one. */
  readonly encoder?: EncoderConfig;
  /** The part that reads a text as a bag of terms, if it has one. */
  readonly bag?: BagConfig;
}

/** The prediction for one text. */
export interface Prediction {
  /** The index of the most likely class. */
  readonly index: number;
  readonly label: string;
  /** The probability of each class. */
  readonly probabilities: readonly number[];
}

/** Tokens of some texts. */
export interface TokenCounts {
  readonly tokens: number;
  /** Tokens that are not in the vocabulary. */
  readonly unknown: number;
  /** Texts longer than what is read. */
  readonly cut: number;
}

/** Pieces of texts that are classified at a time. */
const AT_ONCE = 64;

/** Classifies texts: by a recurrent network, or by a linear function of the terms that they have. */
export class Classifier {
  readonly config: ClassifierConfig;
  readonly tokenizer: ClassifierTokenizer;
  /** The network: tokens [batch, time] and their lengths → logits [batch, classes]. */
  readonly network: TextNetwork;

  /**
   * @param random Initializes the weights, and later draws dropout masks.
   */
  constructor(config: ClassifierConfig, random: Random) {
    const { tokens, vocabulary, encoder, bag } = config;
    const classes = config.classes.length;
    this.config = config;
    this.tokenizer = new ClassifierTokenizer(tokens, vocabulary);
    const { size, unknown } = this.tokenizer;
    this.network = new TextNetwork({
      encoder: encoder && makeEncoder({ ...encoder, vocabulary: size, classes, random }),
      bag: bag && bagOf(bag, this.tokenizer, classes),
      wordDropout: encoder && unknown !== undefined ? { rate: encoder.wordDropout, unknown, random } : undefined,
    });
  }

  /** What it is, in words. */
  get name(): string {
    return nameOf(this.config);
  }

  /** Cuts the tokens of a text into pieces that the network takes at once. */
  piecesOf(tokens: Int32Array): Int32Array[] {
    const { longest = Infinity, keep = "all" } = this.config.limit ?? {};
    if (tokens.length <= longest) return [tokens];
    if (keep === "start") return [tokens.subarray(0, longest)];
    if (keep === "end") return [tokens.subarray(tokens.length - longest)];
    const count = Math.ceil(tokens.length / longest);
    const start = (piece: number) => Math.round(piece * tokens.length / count);
    return Array.from({ length: count }, (_, piece) => tokens.subarray(start(piece), start(piece + 1)));
  }

  /** Counts tokens, those that are not in the vocabulary, and texts that are not read whole. */
  count(texts: readonly string[]): TokenCounts {
    return this.countTokens(texts.map((text) => this.tokenizer.encode(text)));
  }

  /** The same for texts that are tokens already. */
  countTokens(texts: readonly Int32Array[]): TokenCounts {
    const { longest = Infinity, keep = "all" } = this.config.limit ?? {};
    const counts = { tokens: 0, unknown: 0, cut: 0 };
    for (const tokens of texts) {
      counts.tokens += tokens.length;
      for (const token of tokens) if (token === this.tokenizer.unknown) counts.unknown++;
      if (keep !== "all" && tokens.length > longest) counts.cut++;
    }
    return counts;
  }

  /** Classifies texts. Each must have at least one token. The logits of a text in pieces are the mean of those of its pieces. */
  predict(texts: readonly string[]): Prediction[] {
    return this.predictTokens(texts.map((text) => this.tokenizer.encode(text)));
  }

  /** Classifies texts that are tokens already. */
  predictTokens(texts: readonly Int32Array[]): Prediction[] {
    return this.logitsOf(texts).map((logits) => predictionOf(logits, this.config.classes));
  }

  /** The logits of the classes for texts that are tokens already. */
  logitsOf(texts: readonly Int32Array[]): number[][] {
    const pieces = texts.map((tokens) => this.piecesOf(tokens));
    const logits = this.#logits(pieces.flat());
    let next = 0;
    return pieces.map(({ length }) => {
      const some = logits.slice(next, next += length);
      return this.config.classes.map((_, k) => some.reduce((sum, row) => sum + row[k]!, 0) / length);
    });
  }

  #logits(pieces: readonly Int32Array[]): number[][] {
    const logits: number[][] = [];
    // Pieces of similar length need little padding.
    const order = [...pieces.keys()].sort((a, b) => pieces[a]!.length - pieces[b]!.length);
    for (let from = 0; from < order.length; from += AT_ONCE) {
      const some = order.slice(from, from + AT_ONCE);
      using _ = scope();
      const { x, lengths } = padded(some.map((piece) => pieces[piece]!));
      const rows = noGrad(() => this.network.forward(x, { lengths })).toArray() as number[][];
      some.forEach((piece, row) => logits[piece] = rows[row]!);
    }
    return logits;
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
      checkConfig(config, tensors);
      return new Classifier(config as unknown as ClassifierConfig, new Random(0));
    });
  }
}

/** Texts as a batch. */
export function padded(texts: readonly Int32Array[]): { x: Tensor<"i32">; lengths: number[] } {
  const lengths = texts.map(({ length }) => length);
  const time = lengths.reduce((a, b) => Math.max(a, b));
  const tokens = new Int32Array(texts.length * time);
  texts.forEach((text, row) => tokens.set(text, row * time));
  return { x: tensor(tokens, { shape: [texts.length, time] }), lengths };
}

/** The prediction for the logits of the classes. */
function predictionOf(logits: readonly number[], classes: readonly string[]): Prediction {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((logit) => Math.exp(logit - most));
  const total = powers.reduce((a, b) => a + b);
  const index = logits.indexOf(most);
  return { index, label: classes[index]!, probabilities: powers.map((power) => power / total) };
}

/** What a classifier is, in words. */
export function nameOf({ model, tokens, encoder }: Pick<ClassifierConfig, "model" | "tokens" | "encoder">): string {
  if (model === "network") return `network (${encoder!.bidirectional ? "bidirectional " : ""}${modelLabel(encoder!)})`;
  const terms = tokens === "word" ? "words and word pairs" : `runs of ${tokens === "char" ? "characters" : "bytes"}`;
  return `${model === "naive-bayes" ? "naive Bayes" : "logistic regression"}, ${terms}`;
}

function bagOf(
  { parents, frequencies }: BagConfig,
  { size, unknown }: ClassifierTokenizer,
  classes: number,
): BagOfTerms {
  const pairs = Array.from({ length: parents.length / 2 }, (_, i) => [parents[2 * i]!, parents[2 * i + 1]!] as const);
  const terms = new Terms(size, unknown, pairs);
  return new BagOfTerms({ terms, classes, idf: frequencies && inverseFrequencies(frequencies) });
}

/** Checks a configuration from a file. Sizes are compared with the weights, so that a bad file cannot ask for a huge model. */
function checkConfig(config: RawConfig, tensors: FileTensors): void {
  const check = checkerOf(config);
  check("model", MODELS.some((name) => name === config.model), `one of ${MODELS.join(", ")}`);
  check("tokens", CLASSIFIER_TOKENS.some((name) => name === config.tokens), `one of ${CLASSIFIER_TOKENS.join(", ")}`);
  const { vocabulary } = config;
  const isVocabulary = isNames(vocabulary) && (config.tokens === "byte" || vocabulary.includes(UNKNOWN));
  check("vocabulary", isVocabulary, `a list of different texts with ${UNKNOWN}`);
  check("classes", isNames(config.classes) && config.classes.length >= 2, "a list of at least two different texts");
  const { limit, encoder, bag } = config as Record<string, RawConfig | undefined>;
  const isLimit = limit === undefined || (isSize(limit?.longest) && KEEPS.some((keep) => keep === limit.keep));
  check("limit", isLimit, `a positive integer and one of ${KEEPS.join(", ")}`);
  const hasParts = [encoder, bag].every((part) => part === undefined || (typeof part === "object" && part !== null));
  check(
    "encoder",
    hasParts && (encoder ?? bag) !== undefined && (config.model !== "network" || encoder !== undefined),
    "that of its model",
  );
  const size = config.tokens === "byte" ? 256 : (config.vocabulary as string[]).length;
  const classes = (config.classes as string[]).length;
  if (encoder !== undefined) checkEncoder(encoder, tensors, { vocabulary: size, classes });
  if (bag !== undefined) checkBag(bag, tensors, { vocabulary: size, classes });
}

function checkEncoder(
  encoder: RawConfig,
  tensors: FileTensors,
  { vocabulary, classes }: { readonly vocabulary: number; readonly classes: number },
): void {
  const check = checkerOf(encoder);
  checkStackConfig(encoder, tensors.size);
  check("bidirectional", typeof encoder.bidirectional === "boolean", "true or false");
  const { pools } = encoder;
  const isPools = Array.isArray(pools) && pools.length > 0 && new Set(pools).size === pools.length &&
    pools.every((pool) => POOLS.includes(pool));
  check("pools", isPools, `some of ${POOLS.join(", ")}`);
  for (const name of ["embeddingDropout", "wordDropout"]) check(name, isRate(encoder[name]), "from 0 to below 1");
  checkAxis(tensors, "encoder.0.weight", 0, vocabulary);
  checkAxis(tensors, "encoder.0.weight", 1, encoder.embedding as number);
  checkAxis(tensors, "encoder.2.recurrentWeight", 0, encoder.hidden as number);
  const one = { batch: 1, time: 1 };
  checkWeights(tensors, encoderSizes(encoder as unknown as EncoderConfig, { vocabulary, classes, ...one }).weights);
}

/** The most tokens in a term. */
const MOST_TOKENS = 16;
/** What a bag's terms must be. */
const TERMS = `pairs of an earlier term and a token, with at most ${MOST_TOKENS} tokens in a term`;

/** The most tokens in a term of a bag, whose terms of several tokens each have a parent among the earlier ones. */
function longestOf(parents: readonly number[], vocabulary: number): number {
  const lengths: number[] = [];
  for (let i = 0; i < parents.length; i += 2) lengths.push((lengths[parents[i]! - vocabulary] ?? 1) + 1);
  return lengths.reduce((a, b) => Math.max(a, b), 1);
}

function checkBag(
  bag: RawConfig,
  tensors: FileTensors,
  { vocabulary, classes }: { readonly vocabulary: number; readonly classes: number },
): void {
  const check = checkerOf(bag);
  const { parents, frequencies } = bag;
  const isParents = Array.isArray(parents) && parents.length % 2 === 0 &&
    parents.every((id, i) => Number.isInteger(id) && id >= 0 && id < (i % 2 === 1 ? vocabulary : vocabulary + i / 2));
  check("parents", isParents && longestOf(parents as number[], vocabulary) <= MOST_TOKENS, TERMS);
  const terms = vocabulary + (parents as unknown[]).length / 2;
  checkAxis(tensors, "bag.weight", 0, terms);
  checkAxis(tensors, "bag.weight", 1, classes);
  if (frequencies === undefined) return;
  const { texts, having } = Object(frequencies) as RawConfig;
  const isFrequencies = isSize(texts) && Array.isArray(having) && having.length === terms &&
    having.every((count) => Number.isInteger(count) && count >= 0 && count <= texts);
  check("frequencies", isFrequencies, `the texts and, for each of ${terms} terms, how many of them have it`);
}
