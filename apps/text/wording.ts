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

/** The losses of a model beside the floors. */
export function lossTable(
  kind: TokenKind,
  model: string,
  loss: number,
  floors: Floors,
): { head: string[]; rows: string[][] } {
  const { head, rows } = lossRows(kind, [
    [model, loss],
    ["5-gram (Witten-Bell)", floors.fiveGram],
    ["unigram", floors.unigram],
    ["uniform", floors.uniform],
  ]);
  return { head: ["validation", ...head.slice(1)], rows };
}

/** Whether a model is worth its steps, in plain words. */
export function lossVerdict(kind: TokenKind, loss: number, { fiveGram, unigram }: Floors): string {
  const difference = (floor: number) => `${Math.abs(floor - loss).toFixed(3)} nats per ${unitOf(kind)}`;
  if (loss < fiveGram) return `The model is ${difference(fiveGram)} below counting five in a row.`;
  if (loss < unigram) return `Counting five in a row is still ${difference(fiveGram)} better than the model.`;
  return "The model has learned less than how often each token occurs.";
}
