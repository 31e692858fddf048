import { Random } from "@unfold/core";
import { learningChart, PAGE } from "../shared/charts.ts";
import { type Html, html, htmlChart, htmlPage, htmlTable, settingsTable } from "../shared/html.ts";
import { generateText, Reader } from "./generate.ts";
import type { LanguageModel } from "./language_model.ts";
import { grouped, lossTable, lossVerdict, modelLabel, type Summary, testLine, textLine } from "./summary.ts";
import { unitOf } from "./tokenizer.ts";

/** Temperatures of the samples. */
const TEMPERATURES = [0, 0.5, 0.8, 1, 1.2];
/** Tokens in each sample. */
const SAMPLE = 400;
/** The loss with the strongest colour, in nats. */
const VERY_SURPRISING = 6;

/** A self-contained HTML page about a training run. */
export async function reportPage(model: LanguageModel, summary: Summary, unit: number | undefined): Promise<string> {
  const { data, settings, parts, testLoss, floors, history, bestEpoch, passage } = summary;
  const { kind } = model.tokenizer;
  const name = unitOf(kind);
  const label = modelLabel(model.config);
  const files = data.source.split(", ").map((path) => path.split("/").at(-1)).join(", ");
  const title = `${label} language model of ${files}`;
  const samples = await Promise.all(TEMPERATURES.map(async (temperature) => {
    const random = new Random(settings.seed);
    const text = generateText(model, { prompt: "", length: SAMPLE, temperature, topK: 0, topP: 1, random });
    return { temperature, text: (await Array.fromAsync(text)).join("") };
  }));
  const { tokens, losses, units } = readPassage(model, passage);
  const shown = unit ?? steadiestUnit(units);
  const rows = lossTable(kind, `${label} (epoch ${bestEpoch})`, summary);
  const parted = `Trained on the first ${grouped(parts.train)} ${name}s; ` +
    `the next ${grouped(parts.validation)} chose the epoch.`;
  const test = testLoss === undefined ? "" : html`<p>${testLine(kind, testLoss, parts.test!)}</p>`;
  const floorLine = { "5-gram (Witten-Bell)": floors.fiveGram };
  const curve = history.length === 0 ? "" : html`
    <h2>Learning curve</h2>
    <p class="quiet">Loss in nats per ${name} by epoch. The dashed line marks the epoch whose weights were kept.</p>
    ${await htmlChart(learningChart(history, { best: bestEpoch, palette: PAGE, floors: floorLine }))}
  `;
  const surprise = coloured(tokens, (i) => ["forecast", i === 0 ? 0 : Math.min(1, losses[i - 1]! / VERY_SURPRISING)]);
  const activation = coloured(tokens, (i) => {
    const value = units[shown]![i]!;
    return [value < 0 ? "other" : "forecast", Math.min(1, Math.abs(value))];
  });
  return htmlPage(
    title,
    html`
      <h1>${title}</h1>
      <p class="quiet">${textLine(data.source, kind, data)} ${parted}</p>
      <p class="verdict">${lossVerdict(kind, summary)}</p>

      <h2>Loss on unseen text</h2>
      ${htmlTable(rows.head, rows.rows)} ${test} ${curve}

      <h2>Samples</h2>
      ${samples.map(sampleOf)}

      <h2>Surprise</h2>
      <p class="quiet">The beginning of the validation part. The stronger the colour, the less the model expected the
        ${name}; the strongest means ${VERY_SURPRISING} nats or more.</p>
      ${surprise}

      <h2>Unit ${shown}</h2>
      <p class="quiet">The output of one unit of the last recurrent layer after each ${name}: blue is negative, orange
        positive. Choose another with <code>report --unit</code>.</p>
      ${activation}

      <h2>Configuration</h2>
      ${settingsTable(settings)}
    `,
  );
}

function sampleOf({ temperature, text }: { readonly temperature: number; readonly text: string }): Html {
  const greedy = temperature === 0 ? ", always the most likely" : "";
  return html`<p class="quiet" style="margin-top: 1.2rem">Temperature ${temperature}${greedy}</p>
<div class="text">${visible(text)}</div>`;
}

/** Replaces control characters, which a page cannot show. */
function visible(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f]/g, "\ufffd");
}

/** Text with a background colour per token: a colour of the page and its strength from 0 to 1. */
function coloured(
  tokens: readonly string[],
  background: (index: number) => readonly [color: string, strength: number],
): Html {
  const spans = tokens.map((token, i) => {
    const [color, strength] = background(i);
    // At most half: text on a stronger colour would be hard to read on a dark page.
    const mixed = `background: color-mix(in srgb, var(--${color}) ${Math.round(50 * strength)}%, transparent)`;
    return html`<span style="${mixed}">${visible(token)}</span>`;
  });
  return html`<div class="text">${spans}</div>`;
}

/** A model's losses and activations along a passage. */
interface Reading {
  readonly tokens: readonly string[];
  /** The loss of each token after the first, in nats. */
  readonly losses: readonly number[];
  /** The output of each unit of the last layer after each token. */
  readonly units: readonly (readonly number[])[];
}

/** Reads a passage with a model, token by token. */
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
 * The unit whose output varies the most over the passage and the least from one token to the next. Such a unit tracks
 * something that lasts for several tokens, such as a word, a quotation or a line (Karpathy et al., 2015).
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
