import { bitsPerCharacter, type Part, perplexity } from "@unfold/training";
import { count, epochs, finite, listOf, optional, recordOf, type Shape, size, text } from "../shared/shapes.ts";
import type { LanguageModelConfig } from "./language_model.ts";
import type { StackConfig } from "./model_file.ts";
import type { Floors } from "./n_gram.ts";
import type { TokenizedText } from "./tokenize.ts";
import { type TokenKind, unitOf } from "./tokenizer.ts";
import type { LanguageResult, LanguageSettings, TextParts } from "./train_language_model.ts";

/** Tokens of the validation part that are kept for the report. */
const PASSAGE = 1000;

/** The result of `train`, as written to `metrics.json` and printed with `--json`. */
export type Summary = ReturnType<typeof summaryOf>;

/** The parts of a summary in a file that a report shows. */
export const SUMMARY: Shape = recordOf({
  data: recordOf({ source: text, characters: count, tokens: size, vocabulary: count, unknown: count }),
  settings: recordOf({ seed: count }),
  parts: recordOf({ train: size, validation: size, test: optional(size) }),
  validationLoss: finite,
  testLoss: optional(finite),
  floors: recordOf({ fiveGram: finite, unigram: finite, uniform: finite, counted: count }),
  bestEpoch: count,
  history: epochs,
  passage: listOf(count),
});

/** Summarizes a training run. */
export function summaryOf(
  { read, name, settings, parts, floors, result }: {
    read: TokenizedText;
    name: string;
    settings: LanguageSettings & Omit<LanguageModelConfig, "vocabulary"> & { readonly vocabulary?: number };
    parts: TextParts;
    floors: Floors;
    result: LanguageResult;
  },
) {
  const { model: _, ...rest } = result;
  const { tokens, tokenizer, characters } = read;
  const count = ({ from, to }: Part) => to - from;
  const { from, to } = parts.validation;
  const { kind } = tokenizer;
  return {
    data: { source: name, characters, tokens: tokens.length, vocabulary: tokenizer.size, unknown: read.unknown },
    settings,
    parts: { train: count(parts.train), validation: count(parts.validation), test: parts.test && count(parts.test) },
    ...rest,
    validation: inUnits(kind, rest.validationLoss),
    ...(rest.testLoss !== undefined && { test: inUnits(kind, rest.testLoss) }),
    floors,
    /** The first tokens of the validation part, which the model did not train on. */
    passage: Array.from(tokens.subarray(from, Math.min(to, from + PASSAGE))),
  };
}

/** Converts a loss in nats per token to the usual unit: perplexity for words, otherwise bits. */
export function inUnits(kind: TokenKind, nats: number): { perplexity: number } | { bits: number } {
  return kind === "word" ? { perplexity: perplexity(nats) } : { bits: bitsPerCharacter(nats) };
}

/** A short label of a model, such as 1×192 LSTM. */
export function modelLabel({ cell, hidden, layers }: Pick<StackConfig, "cell" | "hidden" | "layers">): string {
  return `${layers}×${hidden} ${cell === "relu" ? "ReLU RNN" : cell.toUpperCase()}`;
}

/** The size of a text in one line. */
export function textLine(
  name: string,
  kind: TokenKind,
  { tokens, vocabulary, unknown }: { tokens: number; vocabulary?: number; unknown: number },
): string {
  const distinct = kind === "byte" || vocabulary === undefined ? "" : `, ${grouped(vocabulary)} distinct`;
  const share = unknown === 0 ? "" : `; ${(100 * unknown / tokens).toFixed(2)} % of the ${unitOf(kind)}s are <unk>`;
  return `${name}: ${grouped(tokens)} ${unitOf(kind)}s${distinct}${share}.`;
}

/** A count with thousands separators. */
export function grouped(value: number): string {
  return value.toLocaleString("en");
}

/** A table of losses given in nats per token: with perplexity for words, otherwise with bits. */
export function lossRows(
  kind: TokenKind,
  losses: readonly (readonly [name: string, nats: number])[],
): { head: string[]; rows: string[][] } {
  const unit = unitOf(kind);
  return {
    head: ["", `nats per ${unit}`, kind === "word" ? "perplexity" : `bits per ${unit}`],
    rows: losses.map(([name, nats]) => [
      name,
      nats.toFixed(4),
      kind === "word" ? perplexity(nats).toFixed(1) : bitsPerCharacter(nats).toFixed(4),
    ]),
  };
}

/** The part of a {@linkcode Summary} that the loss table needs. Losses are in nats per token. */
interface Losses {
  readonly validationLoss: number;
  readonly floors: Floors;
  readonly parts: { readonly train: number };
}

/** The validation loss of a model and of the baselines. */
export function lossTable(
  kind: TokenKind,
  model: string,
  { validationLoss, floors, parts }: Losses,
): { head: string[]; rows: string[][] } {
  const isPartial = floors.counted < parts.train;
  const counted = isPartial ? `on ${grouped(floors.counted)} ${unitOf(kind)}s` : "Witten-Bell";
  const { head, rows } = lossRows(kind, [
    [model, validationLoss],
    [`5-gram (${counted})`, floors.fiveGram],
    ["unigram", floors.unigram],
    ["uniform", floors.uniform],
  ]);
  return { head: ["validation loss", ...head.slice(1)], rows };
}

/** Whether the model beats the baselines, in one sentence. */
export function lossVerdict(kind: TokenKind, { validationLoss: loss, floors: { fiveGram, unigram } }: Losses): string {
  const difference = `${Math.abs(fiveGram - loss).toFixed(3)} nats per ${unitOf(kind)}`;
  if (loss < fiveGram) return `The model beats the 5-gram baseline by ${difference}.`;
  if (loss < unigram) return `The 5-gram baseline is still better than the model, by ${difference}.`;
  return `The model is no better than ${unitOf(kind)} frequencies alone; train it for longer.`;
}

/** The test loss in one sentence. */
export function testLine(kind: TokenKind, loss: number, count: number): string {
  return `Test loss, on the last ${grouped(count)} ${unitOf(kind)}s: ${loss.toFixed(4)} nats per ${unitOf(kind)}.`;
}
