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
import { BATCH_SIZE, countParameters, MOST_STEPS, startRemembering, type Task } from "./task.ts";
import type { UnfoldOptions } from "./unfold_network.ts";

/** Features of a token. */
const EMBEDDING = 32;
/** Characters that a text must have. */
const LEAST = 200;
/** The share of a text that is held back, its end, and how many tokens of it are read at most. */
const [HELD_BACK, MOST_HELD_BACK] = [0.05, 8192];
/** Tokens of a sample. */
const SAMPLE = 240;

/** What a text task is made of. */
interface TextTaskOptions {
  readonly settings: RunSettings;
  readonly text: string;
  /** The text's name, for messages. */
  readonly name: string;
  /** A model to go on with. */
  readonly model?: LanguageModel | undefined;
}

/** Learns what comes next in a text. */
export class TextTask implements Task {
  readonly settings: RunSettings;
  readonly network: Layer;
  readonly parameters: number;
  readonly unit: string;
  readonly logarithmic = false;
  readonly scale = 1 / Math.LN2;
  readonly floors: Readonly<Record<string, number>>;
  readonly about: string;
  readonly #model: LanguageModel;
  readonly #batches: TokenStream;
  readonly #validation: TokenStream;
  /** What is held back, as far as it is read. */
  readonly #unseen: Int32Array;

  /**
   * @throws {RangeError} If the text is too short, or has a character that a given model does not know.
   */
  constructor({ settings, text, name, model }: TextTaskOptions) {
    const characters = [...text];
    if (characters.length < LEAST) {
      throw new RangeError(
        `Cannot learn from ${name}: it must have at least ${LEAST} characters, got ${characters.length}`,
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
    const from = tokens.length - Math.round(tokens.length * HELD_BACK);
    const to = Math.min(tokens.length, from + MOST_HELD_BACK);
    this.#unseen = tokens.subarray(from, to);
    const streams = (count: number) => Math.max(1, Math.min(BATCH_SIZE, Math.floor((count - 1) / length)));
    this.#batches = new TokenStream({ tokens, time: length, batchSize: streams(from), to: from });
    this.#validation = new TokenStream({ tokens, time: length, batchSize: streams(to - from), from, to });

    const unit = unitOf(config.tokens);
    this.unit = `bits per ${unit}`;
    const { unigram, fiveGram } = floorsOf(tokens, tokenizer.size, { from: 0, to: from }, { from, to });
    this.floors = {
      [`counting ${unit}s`]: unigram * this.scale,
      "counting five in a row": fiveGram * this.scale,
    };
    this.about = `${tokens.length.toLocaleString("en")} ${unit}s, ${tokenizer.size.toLocaleString("en")} different`;
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
    // The same chances each time: what changes is what was learned.
    const random = new Random(this.settings.seed);
    let text = "";
    for (const [token] of generateTokens(this.#model, { ...options, random })) text += decode(token!);
    return { kind: "text", text };
  }

  example(): UnfoldOptions {
    const time = Math.min(this.settings.length, MOST_STEPS, this.#unseen.length - 1);
    const { embedding, recurrent, output, tokenizer } = this.#model;
    const read = this.#unseen.subarray(0, time);
    const next = this.#unseen.subarray(time, time + 1);
    const write = (token: number) => shown(tokenizer.decoder()(token));
    return {
      recurrent,
      dense: output,
      x: noGrad(() => embedding.forward(tensor(Int32Array.from(read), { shape: [1, time] }))),
      labels: Array.from(read, write),
      loss: (logits) => softmaxCrossEntropy(logits, tensor(Int32Array.from(next), { shape: [1] })),
      say: (logits) => write(logits.indexOf(Math.max(...logits))),
    };
  }

  toFile(format: ExportFormat): Uint8Array<ArrayBuffer> {
    return format === "onnx" ? exportLanguageModel(this.#model).file : this.#model.toFile();
  }
}

/** Text with marks for what cannot be seen. */
function shown(text: string): string {
  return text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "⇥");
}
