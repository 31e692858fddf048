import { noGrad, Random, tensor } from "@unfold/core";
import { type Layer, softmaxCrossEntropy } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import { evaluate, TokenStream, train, type TrainEvent } from "@unfold/training";
import { exportLanguageModel } from "../../text/export.ts";
import { generateTokens } from "../../text/generate.ts";
import { LanguageModel } from "../../text/language_model.ts";
import { floorsOf } from "../../text/n_gram.ts";
import { unitOf } from "../../text/tokenizer.ts";
import type { ExportFormat, Preview } from "../messages.ts";
import type { RunSettings } from "../settings.ts";
import { BATCH_SIZE, countParameters, MAX_DRAWN_STEPS, startRemembering, type Task } from "./task.ts";
import type { UnfoldOptions } from "./unfold_network.ts";

/** The embedding size of a new model. */
const EMBEDDING = 32;
/** The minimum length of a text, in characters. */
const MIN_LENGTH = 200;
/** The fraction of the text, at its end, for validation, and the maximum number of its tokens that are used. */
const [VALIDATION, MAX_VALIDATION] = [0.05, 8192];
/** The length of a sample, in tokens. */
const SAMPLE = 240;

/** Options of a text task. */
interface TextTaskOptions {
  readonly settings: RunSettings;
  readonly text: string;
  /** The text's name, for messages. */
  readonly name: string;
  /** A saved model to continue. */
  readonly model?: LanguageModel | undefined;
}

/** Learns to predict the next character of a text. */
export class TextTask implements Task {
  readonly settings: RunSettings;
  readonly network: Layer;
  readonly parameters: number;
  readonly unit: string;
  readonly logarithmic = false;
  readonly scale = 1 / Math.LN2;
  readonly baselines: Readonly<Record<string, number>>;
  readonly about: string;
  readonly #model: LanguageModel;
  readonly #batches: TokenStream;
  readonly #validation: TokenStream;
  /** The tokens for validation. */
  readonly #unseen: Int32Array;

  /**
   * @throws {RangeError} If the text is too short, or has a character outside the given model's vocabulary.
   */
  constructor({ settings, text, name, model }: TextTaskOptions) {
    const characters = [...text];
    if (characters.length < MIN_LENGTH) {
      throw new RangeError(
        `Cannot train on ${name}: it must have at least ${MIN_LENGTH} characters, got ${characters.length}`,
      );
    }
    const { cell, hidden, layers, length, seed } = settings;
    this.#model = model ?? new LanguageModel({
      cell,
      hidden,
      layers,
      embedding: EMBEDDING,
      dropout: 0,
      tied: false,
      tokens: "char",
      vocabulary: [...new Set(characters)],
    }, new Random(seed));
    if (model === undefined) startRemembering(this.#model.recurrent as unknown as Layer, hidden);
    const { config, tokenizer } = this.#model;
    this.settings = { ...settings, cell: config.cell, hidden: config.hidden, layers: config.layers };
    this.network = this.#model.network;
    this.parameters = countParameters(this.network);

    const tokens = tokenizer.encode(text);
    const from = tokens.length - Math.round(tokens.length * VALIDATION);
    const to = Math.min(tokens.length, from + MAX_VALIDATION);
    this.#unseen = tokens.subarray(from, to);
    const streams = (count: number) => Math.max(1, Math.min(BATCH_SIZE, Math.floor((count - 1) / length)));
    this.#batches = new TokenStream({ tokens, time: length, batchSize: streams(from), to: from });
    this.#validation = new TokenStream({ tokens, time: length, batchSize: streams(to - from), from, to });

    const unit = unitOf(config.tokens);
    this.unit = `bits per ${unit}`;
    const { unigram, fiveGram } = floorsOf(tokens, tokenizer.size, { from: 0, to: from }, { from, to });
    this.baselines = {
      [`${unit} frequencies`]: unigram * this.scale,
      "5-gram counts": fiveGram * this.scale,
    };
    this.about = `${tokens.length.toLocaleString("en")} ${unit}s, ${tokenizer.size.toLocaleString("en")} distinct.`;
  }

  train(optimizer: Optimizer): AsyncGenerator<TrainEvent, void, undefined> {
    return train({
      model: this.network,
      optimizer,
      loss: softmaxCrossEntropy,
      batches: this.#batches,
      epochs: Number.MAX_SAFE_INTEGER,
    });
  }

  validate(): Promise<number> {
    return evaluate(this.network, { loss: softmaxCrossEntropy, batches: this.#validation });
  }

  preview({ temperature }: { readonly temperature: number }): Preview {
    const decode = this.#model.tokenizer.decoder();
    const options = { prompt: "", length: SAMPLE, count: 1, temperature, topK: 0, topP: 1 };
    // Always the same random numbers, so that samples differ only in what the network has learned.
    const random = new Random(this.settings.seed);
    let text = "";
    for (const [token] of generateTokens(this.#model, { ...options, random })) text += decode(token!);
    return { kind: "text", text };
  }

  example(): UnfoldOptions {
    const time = Math.min(this.settings.length, MAX_DRAWN_STEPS, this.#unseen.length - 1);
    const { embedding, recurrent, output, tokenizer } = this.#model;
    const read = this.#unseen.subarray(0, time);
    const next = this.#unseen.subarray(time, time + 1);
    const write = (token: number) => visible(tokenizer.decoder()(token));
    return {
      recurrent,
      dense: output,
      x: noGrad(() => embedding.forward(tensor(Int32Array.from(read), { shape: [1, time] }))),
      labels: Array.from(read, write),
      loss: (logits) => softmaxCrossEntropy(logits, tensor(Int32Array.from(next), { shape: [1] })),
      labelOf: (logits) => write(logits.indexOf(Math.max(...logits))),
    };
  }

  toFile(format: ExportFormat): Uint8Array<ArrayBuffer> {
    return format === "onnx" ? exportLanguageModel(this.#model).file : this.#model.toFile();
  }
}

/** Makes white space visible. */
function visible(text: string): string {
  return text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "⇥");
}
