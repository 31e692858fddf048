import { Random } from "@unfold/core";
import { bitsPerCharacter, type Part, perplexity } from "@unfold/training";
import { learningChart, PAGE } from "../shared/charts.ts";
import { type Html, html, htmlChart, htmlPage, htmlTable, settingsTable } from "../shared/html.ts";
import { generateText, Reader } from "./generate.ts";
import type { LanguageModel, LanguageModelConfig } from "./language_model.ts";
import type { Floors } from "./n_gram.ts";
import type { TokenizedText } from "./tokenize.ts";
import type { LanguageResult, LanguageSettings, TextParts } from "./train_language_model.ts";
import { lossRows, lossTable, lossVerdict, textLine, unitOf } from "./wording.ts";

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

/** Temperatures of the samples. */
const TEMPERATURES = [0, 0.5, 0.8, 1, 1.2];
/** Tokens of each. */
const SAMPLE = 400;

/** What a model makes of a passage, token by token. */
export interface Reading {
  readonly tokens: readonly string[];
  /** The loss of each token but the first, in nats. */
  readonly losses: readonly number[];
  /** The output of each unit of the last layer after each token. */
  readonly units: readonly (readonly number[])[];
}

/** Lets a model read a passage, token by token. */
export function readPassage(model: LanguageModel, ids: readonly number[]): Reading {
  const decode = model.tokenizer.decoder();
  const losses: number[] = [];
  const perToken: number[][] = [];
  using reader = new Reader(model, 1);
  let logits: Float32Array | undefined;
  for (const id of ids) {
    if (logits !== undefined) losses.push(negativeLogLikelihood(logits, id));
    logits = reader.read(Int32Array.of(id), (hidden) => perToken.push([...hidden]));
  }
  const units = perToken[0]?.map((_, unit) => perToken.map((hidden) => hidden[unit]!)) ?? [];
  return { tokens: ids.map(decode), losses, units };
}

/** −ln softmax(logits) of one token. */
function negativeLogLikelihood(logits: Float32Array, token: number): number {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return Math.log(total) - (logits[token]! - most);
}

/**
 * The unit that keeps to what it says the most: of large variance, and much alike from one token to the next. Such a
 * unit follows something in the text that lasts: a word, a quotation, a line (Karpathy et al., 2015).
 */
export function steadiestUnit(units: readonly (readonly number[])[]): number {
  const scores = units.map((values) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0);
    const change = values.slice(1).reduce((total, value, i) => total + (value - values[i]!) ** 2, 0);
    return variance - change;
  });
  return scores.indexOf(Math.max(...scores));
}

/** Text as a page can show it: what has no shape gets one. */
function shape(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f]/g, "\ufffd");
}

/** Text on coloured ground: a colour of the page and its share, a token. */
function coloured(tokens: readonly string[], ground: (index: number) => readonly [color: string, share: number]): Html {
  return html`<div class="text">${
    tokens.map((token, i) => {
      const [color, share] = ground(i);
      const mixed = `background: color-mix(in srgb, var(--${color}) ${Math.round(70 * share)}%, transparent)`;
      return html`<span style="${mixed}">${shape(token)}</span>`;
    })
  }</div>`;
}

/** One page with all that a run showed, which needs nothing from anywhere. */
export async function reportPage(model: LanguageModel, summary: Summary, unit: number | undefined): Promise<string> {
  const { data, settings, parts, testLoss, floors, history, bestEpoch, passage } = summary;
  const { kind } = model.tokenizer;
  const { cell, layers, hidden } = model.config;
  const count = (value: number) => value.toLocaleString("en");
  const title = `${
    data.source.split(", ").map((name) => name.split("/").at(-1)).join(", ")
  }: what comes next, by a ${layers}×${hidden} ${cell}`;
  const samples = await Promise.all(TEMPERATURES.map(async (temperature) => {
    const random = new Random(settings.seed);
    const text = generateText(model, { prompt: "", length: SAMPLE, temperature, topK: 0, topP: 1, random });
    return { temperature, text: (await Array.fromAsync(text)).join("") };
  }));
  const { tokens, losses, units } = readPassage(model, passage);
  const shown = unit ?? steadiestUnit(units);
  const rows = lossTable(kind, `${layers}×${hidden} ${cell} (epoch ${bestEpoch})`, summary);
  return htmlPage(
    title,
    html`
            <h1>${title}</h1>
            <p class="quiet">${textLine(data.source, kind, data)} Learned from the first ${count(parts.train)},
      chosen by the ${count(parts.validation)} after them.</p>
            <p class="verdict">${lossVerdict(kind, summary)}</p>

            <h2>Loss on what it did not learn from</h2>
            ${htmlTable(rows.head, rows.rows)}
            ${testLoss === undefined
              ? ""
              : html`<p>On the end of the text, which nothing was chosen by: ${lossRows(kind, [["", testLoss]])
                .rows[0]![1]!} nats per ${unitOf(kind)}.</p>`}

            ${history.length === 0 ? "" : html`<h2>Learning curve</h2>
<p class="quiet">Nats per ${unitOf(kind)} by epoch; the dashed line is the epoch that was kept.</p>
${await htmlChart(
              learningChart(history, {
                best: bestEpoch,
                palette: PAGE,
                floors: { "5-gram (Witten-Bell)": floors.fiveGram },
              }),
            )}`}

            <h2>What it writes</h2>
            ${samples.map(({ temperature, text }) =>
              html`<p class="quiet">Temperature ${temperature}${temperature === 0 ? ", always the likeliest" : ""}</p>
<div class="text">${shape(text)}</div>`
            )}

            <h2>What surprised it</h2>
            <p
        class="quiet">A passage that it did not learn from; the stronger the colour, the less it expected what stands there, up to 6 nats.</p>
            ${coloured(tokens, (i) => ["forecast", i === 0 ? 0 : Math.min(1, losses[i - 1]! / 6)])}

            <h2>One of its units</h2>
            <p
        class="quiet">What unit ${shown} of the last layer says after each ${unitOf(
          kind,
        )}: blue below 0, orange above.</p>
            ${coloured(tokens, (i) => {
              const value = units[shown]![i]!;
              return [value < 0 ? "other" : "forecast", Math.min(1, Math.abs(value))];
            })}

            <h2>Configuration</h2>
            ${settingsTable(settings)}
    `,
  );
}
