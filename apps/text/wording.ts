import { bitsPerCharacter, perplexity } from "@unfold/training";
import type { Floors } from "./n_gram.ts";
import type { TokenKind } from "./tokenizer.ts";

/** What a token of a kind is called. */
export function unitOf(kind: TokenKind): string {
  return kind === "char" ? "character" : kind;
}

/** Losses in nats a token as rows: of words with their perplexity, of characters and bytes in bits too. */
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

/** What a text is made of. */
export function textLine(
  name: string,
  kind: TokenKind,
  { tokens, vocabulary, unknown }: { tokens: number; vocabulary?: number; unknown: number },
): string {
  const count = (value: number) => value.toLocaleString("en");
  const different = kind === "byte" || vocabulary === undefined ? "" : `, ${count(vocabulary)} different`;
  const share = unknown === 0 ? "" : `; ${(100 * unknown / tokens).toFixed(2)} % of the ${unitOf(kind)}s are <unk>`;
  return `${name}: ${count(tokens)} ${unitOf(kind)}s${different}${share}.`;
}

/** What a run showed: losses in nats a token. */
interface Losses {
  readonly validationLoss: number;
  readonly floors: Floors;
  readonly parts: { readonly train: number };
}

/** The losses of a model beside the floors. */
export function lossTable(
  kind: TokenKind,
  model: string,
  { validationLoss, floors, parts }: Losses,
): { head: string[]; rows: string[][] } {
  const isPartial = floors.counted < parts.train;
  const { head, rows } = lossRows(kind, [
    [model, validationLoss],
    [
      `5-gram${isPartial ? ` of ${floors.counted.toLocaleString("en")} ${unitOf(kind)}s` : " (Witten-Bell)"}`,
      floors.fiveGram,
    ],
    ["unigram", floors.unigram],
    ["uniform", floors.uniform],
  ]);
  return { head: ["validation", ...head.slice(1)], rows };
}

/** Whether a model is worth its steps, in plain words. */
export function lossVerdict(kind: TokenKind, { validationLoss: loss, floors: { fiveGram, unigram } }: Losses): string {
  const difference = (floor: number) => `${Math.abs(floor - loss).toFixed(3)} nats per ${unitOf(kind)}`;
  if (loss < fiveGram) return `The model is ${difference(fiveGram)} below counting five in a row.`;
  if (loss < unigram) return `Counting five in a row is still ${difference(fiveGram)} better than the model.`;
  return "The model has learned less than how often each token occurs.";
}
