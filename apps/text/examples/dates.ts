/**
 * Encoder and decoder: reads dates as people write them, "Monday, 23 Nov 2026" or "11/23/26", and writes them as ISO
 * 8601 has them, character by character.
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

/** The characters of a language; token 0 is padding. */
const SOURCE = " abcdefghijklmnopqrstuvwxyz0123456789,./-";
const TARGET = "0123456789-";
const START = TARGET.length;
const END = START + 1;
const WRITTEN = "2026-11-23".length + 1;

/** The ways to write a date. */
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

/** A date, as a person wrote it and as it should read. */
interface Sample {
  readonly text: string;
  readonly iso: string;
}

/** A day of 1950 to 2049, written in one of the ways; every tenth day is kept for the test. */
export function drawSample(random: Random, part: "train" | "test"): Sample {
  const day = 10 * random.integer(3652) + (part === "test" ? 0 : 1 + random.integer(9));
  const date = new Date(Date.UTC(1950, 0, 1 + day));
  return { text: FORMATS[random.integer(FORMATS.length)]!(date), iso: date.toISOString().slice(0, 10) };
}

/** Texts as tokens, padded to the longest. */
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
      `Cannot read ${JSON.stringify(texts[i])}: it must be made of letters, digits and " ,./-", ` +
        `got ${unknown === undefined ? "nothing" : JSON.stringify(unknown)}`,
    );
  });
  return { tokens: tensor(Int32Array.from(tokens), { shape: [texts.length, time] }), lengths };
}

/** A model for dates with its first weights. */
export function makeModel(random: Random, hiddenSize = 64): Seq2Seq {
  return new Seq2Seq({ sourceTokens: SOURCE.length, targetTokens: END + 1, hiddenSize, random });
}

/** The cross-entropy of the right answers, in nats a character. */
function lossOf(model: Seq2Seq, samples: readonly Sample[]): Tensor {
  const answers = samples.map(({ iso }) => [START, ...[...iso].map((char) => TARGET.indexOf(char)), END]);
  const part = (from: number, to: number) =>
    tensor(Int32Array.from(answers.flatMap((answer) => answer.slice(from, to))), { shape: [samples.length, WRITTEN] });
  const logits = model.forward(encode(samples.map(({ text }) => text)), part(0, WRITTEN));
  return softmaxCrossEntropy(logits, part(1, WRITTEN + 1));
}

/** What the model makes of texts. */
export function translate(model: Seq2Seq, texts: readonly string[]): string[] {
  using _ = scope();
  const written = model.generate(encode(texts), { start: START, end: END, most: WRITTEN });
  return written.map((tokens) => tokens.map((token) => TARGET[token] ?? "?").join(""));
}

/** The share of samples that are right to the last character. */
export function exactMatch(model: Seq2Seq, samples: readonly Sample[]): number {
  const written = translate(model, samples.map(({ text }) => text));
  return written.filter((text, row) => text === samples[row]!.iso).length / samples.length;
}

/** Trains on samples drawn anew in each step; yields the loss of each. */
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
    const right = (100 * exactMatch(model, unseen)).toFixed(1);
    console.error(`step ${String(step).padStart(4)}/${steps}  loss ${loss.toFixed(4)}  ${right.padStart(5)} % right`);
  }
  const shown = unseen.slice(0, 8).map(({ text }) => text);
  const written = translate(model, shown);
  shown.forEach((text, i) => console.log(`${text.padEnd(26)}  ${written[i]}`));
  const right = (100 * exactMatch(model, unseen)).toFixed(1);
  console.log(`\nOf ${unseen.length} dates that it had not seen, ${right} % are right to the last digit.`);
}
