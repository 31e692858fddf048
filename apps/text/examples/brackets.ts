/**
 * Many to one: an LSTM reads a sequence of brackets, such as "([()])[", and decides whether it is balanced.
 *
 *     deno task example brackets
 *
 * @module
 */

import { noGrad, Random, scope, slice, tensor } from "@unfold/core";
import { Dense, Embedding, LastStep, LSTM, Sequential, softmaxCrossEntropy } from "@unfold/layers";
import { takeSteps } from "./take_steps.ts";

const BRACKETS = "()[]";
const LONGEST = 24;

/** Whether every bracket is closed by one of its kind, in the right order. */
export function isBalanced(text: string): boolean {
  const open: string[] = [];
  for (const bracket of text) {
    const index = BRACKETS.indexOf(bracket);
    if (index % 2 === 0) open.push(BRACKETS[index + 1]!);
    else if (open.pop() !== bracket) return false;
  }
  return open.length === 0;
}

/** Draws balanced texts, and replaces one bracket in half of them, so that counting brackets is not enough. */
export function drawBrackets(random: Random): string {
  const length = 2 * (1 + random.integer(LONGEST / 2));
  const open: string[] = [];
  let text = "";
  for (let left = length; left > 0; left--) {
    const closes = open.length === left || (open.length > 0 && random.integer(2) === 0);
    const kind = 2 * random.integer(2);
    if (!closes) open.push(BRACKETS[kind + 1]!);
    text += closes ? open.pop() : BRACKETS[kind];
  }
  if (random.integer(2) === 0) return text;
  const at = random.integer(length);
  return text.slice(0, at) + BRACKETS[random.integer(BRACKETS.length)] + text.slice(at + 1);
}

/** Texts as tokens, padded to the same length, with their lengths and targets. */
function batchOf(texts: readonly string[]) {
  const tokens = new Int32Array(texts.length * LONGEST);
  texts.forEach((text, row) => tokens.set(Array.from(text, (bracket) => BRACKETS.indexOf(bracket)), row * LONGEST));
  return {
    x: tensor(tokens, { shape: [texts.length, LONGEST] }),
    y: tensor(Int32Array.from(texts, (text) => Number(isBalanced(text)))),
    lengths: texts.map(({ length }) => length),
  };
}

/** Makes an untrained model. */
export function makeModel(random: Random): Sequential {
  return new Sequential([
    new Embedding({ vocabularySize: BRACKETS.length, outputSize: 8, random }),
    new LSTM({ inputSize: 8, hiddenSize: 48, random }),
    new LastStep(),
    new Dense({ inputSize: 48, outputSize: 2, random }),
  ]);
}

/** The fraction of texts that the model classifies correctly. */
export function accuracyOn(model: Sequential, texts: readonly string[]): number {
  using _ = scope();
  const { x, y, lengths } = batchOf(texts);
  const logits = noGrad(() => model.forward(x, { lengths }));
  const [no, yes] = [0, 1].map((index) => slice(logits, { axis: 1, start: index, end: index + 1 }).data);
  return texts.filter((_, row) => Number(yes![row]! > no![row]!) === y.data[row]).length / texts.length;
}

/** Trains on new random texts in each step and yields the loss of each step. */
export function* trainOnBrackets(
  model: Sequential,
  { steps, random }: { steps: number; random: Random },
): Generator<number> {
  const loss = () => {
    const { x, y, lengths } = batchOf(Array.from({ length: 64 }, () => drawBrackets(random)));
    return softmaxCrossEntropy(model.forward(x, { lengths }), y);
  };
  yield* takeSteps(model.parameters(), { steps, learningRate: 1e-2, loss });
}

if (import.meta.main) {
  const random = new Random(1);
  const model = makeModel(random);
  const steps = 1000;
  const texts = Array.from({ length: 2000 }, () => drawBrackets(random));
  let step = 0;
  for (const loss of trainOnBrackets(model, { steps, random })) {
    if (++step % 200 > 0) continue;
    const accuracy = (100 * accuracyOn(model, texts)).toFixed(1).padStart(5);
    console.error(`step ${String(step).padStart(4)}/${steps}  loss ${loss.toFixed(4)}  accuracy ${accuracy} %`);
  }
  const balanced = (100 * texts.filter(isBalanced).length / texts.length).toFixed(1);
  const accuracy = (100 * accuracyOn(model, texts)).toFixed(1);
  console.log(`Accuracy ${accuracy} % on ${texts.length} texts; ${balanced} % of them are balanced.`);
}
