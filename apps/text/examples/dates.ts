/**
 * Encoder and decoder: one LSTM reads a date such as "Monday, 23 Nov 2026" or "11/23/26"; another writes it in ISO
 * 8601, character by character.
 *
 *     deno task example dates
 *
 * @module
 */

import { Random, scope, type Tensor, tensor } from "@unfold/core";
import { softmaxCrossEntropy } from "@unfold/layers";
import { Seq2Seq, type Source } from "./seq2seq.ts";
import { takeSteps } from "./take_steps.ts";

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** The characters that the encoder reads; token 0, the space, is also the padding. */
const SOURCE = " abcdefghijklmnopqrstuvwxyz0123456789,./-";
const TARGET = "0123456789-";
const START = TARGET.length;
const END = START + 1;
const WRITTEN = "2026-11-23".length + 1;

/** The date formats. */
const FORMATS: readonly ((date: Date) => string)[] = [
  (date) => `${date.getUTCDate()} ${monthOf(date)} ${date.getUTCFullYear()}`,
  (date) => `${monthOf(date)} ${date.getUTCDate()}, ${date.getUTCFullYear()}`,
  (date) => `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${monthOf(date).slice(0, 3)} ${date.getUTCFullYear()}`,
  (date) => `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${String(date.getUTCFullYear()).slice(2)}`,
  (date) => `${date.getUTCDate()}.${date.getUTCMonth() + 1}.${date.getUTCFullYear()}`,
];

function monthOf(date: Date): string {
  return MONTHS[date.getUTCMonth()]!;
}

/** A date in some human format, and in ISO 8601. */
interface Sample {
  readonly text: string;
  readonly iso: string;
}

/** Draws a day from 1950 to 2049 in a random format. Every tenth day is for testing. */
export function drawSample(random: Random, part: "train" | "test"): Sample {
  const day = 10 * random.integer(3652) + (part === "test" ? 0 : 1 + random.integer(9));
  const date = new Date(Date.UTC(1950, 0, 1 + day));
  return { text: FORMATS[random.integer(FORMATS.length)]!(date), iso: date.toISOString().slice(0, 10) };
}

/**
 * Encodes texts as tokens, padded to the longest.
 *
 * @throws {RangeError} If a text is empty or has a character outside the vocabulary.
 */
export function encode(texts: readonly string[]): Source {
  const rows = texts.map((text) => [...text.toLowerCase()]);
  const lengths = rows.map(({ length }) => length);
  const time = Math.max(1, ...lengths);
  const tokens = rows.flatMap((row, i) => {
    const unknown = row.find((char) => !SOURCE.includes(char));
    if (row.length > 0 && unknown === undefined) {
      return Array.from({ length: time }, (_, t) => SOURCE.indexOf(row[t] ?? " "));
    }
    throw new RangeError(
      `Cannot read ${JSON.stringify(texts[i])}: it must have only letters, digits and " ,./-", ` +
        `got ${unknown === undefined ? "nothing" : JSON.stringify(unknown)}`,
    );
  });
  return { tokens: tensor(Int32Array.from(tokens), { shape: [texts.length, time] }), lengths };
}

/** Makes an untrained model. */
export function makeModel(random: Random, hiddenSize = 64): Seq2Seq {
  return new Seq2Seq({ sourceTokens: SOURCE.length, targetTokens: END + 1, hiddenSize, random });
}

/** The cross-entropy of the correct dates, in nats per character. */
function lossOf(model: Seq2Seq, samples: readonly Sample[]): Tensor {
  const answers = samples.map(({ iso }) => [START, ...[...iso].map((char) => TARGET.indexOf(char)), END]);
  const part = (from: number, to: number) =>
    tensor(Int32Array.from(answers.flatMap((answer) => answer.slice(from, to))), { shape: [samples.length, WRITTEN] });
  const logits = model.forward(encode(samples.map(({ text }) => text)), part(0, WRITTEN));
  return softmaxCrossEntropy(logits, part(1, WRITTEN + 1));
}

/** Translates dates with the model. */
export function translate(model: Seq2Seq, texts: readonly string[]): string[] {
  using _ = scope();
  const written = model.generate(encode(texts), { start: START, end: END, most: WRITTEN });
  return written.map((tokens) => tokens.map((token) => TARGET[token] ?? "?").join(""));
}

/** The fraction of samples that are translated exactly. */
export function exactMatch(model: Seq2Seq, samples: readonly Sample[]): number {
  const written = translate(model, samples.map(({ text }) => text));
  return written.filter((text, row) => text === samples[row]!.iso).length / samples.length;
}

/** Trains on new random samples in each step and yields the loss of each step. */
export function* trainOnDates(model: Seq2Seq, { steps, random }: { steps: number; random: Random }): Generator<number> {
  const loss = () => lossOf(model, Array.from({ length: 64 }, () => drawSample(random, "train")));
  yield* takeSteps(model.parameters(), { steps, learningRate: 5e-3, loss });
}

if (import.meta.main) {
  const random = new Random(1);
  const model = makeModel(random);
  const unseen = Array.from({ length: 1000 }, () => drawSample(random, "test"));
  const steps = 2000;
  let step = 0;
  for (const loss of trainOnDates(model, { steps, random })) {
    if (++step % 400 > 0) continue;
    const exact = (100 * exactMatch(model, unseen)).toFixed(1).padStart(5);
    console.error(`step ${String(step).padStart(4)}/${steps}  loss ${loss.toFixed(4)}  exact match ${exact} %`);
  }
  const shown = unseen.slice(0, 8).map(({ text }) => text);
  const written = translate(model, shown);
  shown.forEach((text, i) => console.log(`${text.padEnd(26)}  ${written[i]}`));
  const exact = (100 * exactMatch(model, unseen)).toFixed(1);
  console.log(`\nExact match on ${unseen.length} unseen dates: ${exact} %.`);
}
