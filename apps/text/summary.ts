import { bitsPerCharacter, type Part, perplexity } from "@unfold/training";
import type { LanguageModelConfig } from "./language_model.ts";
import type { Floors } from "./n_gram.ts";
import type { TokenizedText } from "./tokenize.ts";
import type { LanguageResult, LanguageSettings, TextParts } from "./train_language_model.ts";

/** Tokens of the validation part that are kept for the report. */
const PASSAGE = 1000;

/** What `train` tells: in `metrics.json`, and on stdout with `--json`. */
export type Summary = ReturnType<typeof summaryOf>;

/** Sums a training run up. */
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
  const perUnit = (loss: number) =>
    tokenizer.kind === "word" ? { perplexity: perplexity(loss) } : { bits: bitsPerCharacter(loss) };
  return {
    data: { source: name, characters, tokens: tokens.length, vocabulary: tokenizer.size, unknown: read.unknown },
    settings,
    parts: { train: count(parts.train), validation: count(parts.validation), test: parts.test && count(parts.test) },
    ...rest,
    validation: perUnit(rest.validationLoss),
    ...(rest.testLoss !== undefined && { test: perUnit(rest.testLoss) }),
    floors,
    /** Tokens that the model did not learn from. */
    passage: Array.from(tokens.subarray(from, Math.min(to, from + PASSAGE))),
  };
}
