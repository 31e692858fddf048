/**
 * One to many: a GRU writes first names letter by letter, given only a label, "female" or "male".
 *
 *     deno task example names
 *
 * @module
 */

import { type NamedParameters, noGrad, Random, scope, softmax, type Tensor, tensor } from "@unfold/core";
import { Dense, Embedding, GRU, softmaxCrossEntropy } from "@unfold/layers";
import { firstNames } from "../classifier/labelled_text.ts";
import { takeSteps } from "./take_steps.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz-' ";
const [START, END] = [LETTERS.length, LETTERS.length + 1];
const SIZE = LETTERS.length + 2;
const LONGEST = 16;
const HIDDEN = 96;

/** A name as tokens, and its label. */
interface Name {
  readonly tokens: readonly number[];
  readonly label: number;
}

/** The labels by index. */
export const LABELS = ["female", "male"] as const;

/** Loads the names that are short enough and use only the letters above. */
export async function loadNames(): Promise<Name[]> {
  const { texts, labels } = await firstNames();
  return texts.flatMap((text, i) => {
    const tokens = Array.from(text.toLowerCase(), (letter) => LETTERS.indexOf(letter));
    const canBeSpelt = tokens.length < LONGEST && !tokens.includes(-1);
    return canBeSpelt ? [{ tokens, label: LABELS.indexOf(labels[i] as typeof LABELS[number]) }] : [];
  });
}

/** Generates names: the embedding of the label is the initial state of a GRU. */
export class NameWriter {
  readonly #labels: Embedding;
  readonly #letters: Embedding;
  readonly #gru: GRU;
  readonly #output: Dense;

  constructor(random: Random) {
    this.#labels = new Embedding({ vocabularySize: LABELS.length, outputSize: HIDDEN, random });
    this.#letters = new Embedding({ vocabularySize: SIZE, outputSize: 24, random });
    this.#gru = new GRU({ inputSize: 24, hiddenSize: HIDDEN, random });
    this.#output = new Dense({ inputSize: HIDDEN, outputSize: SIZE, random });
  }

  parameters(): NamedParameters {
    const parts = { labels: this.#labels, letters: this.#letters, gru: this.#gru, output: this.#output };
    return Object.fromEntries(
      Object.entries(parts).flatMap(([part, layer]) =>
        Object.entries(layer.parameters()).map(([name, parameter]) => [`${part}.${name}`, parameter])
      ),
    );
  }

  /** The loss of names in nats per letter, with teacher forcing. Padding does not count. */
  loss(names: readonly Name[]): Tensor {
    const padded = (tokensOf: (name: Name) => readonly number[], padding: number) =>
      tensor(
        Int32Array.from(names.flatMap((name) => {
          const tokens = tokensOf(name);
          return Array.from({ length: LONGEST }, (_, t) => tokens[t] ?? padding);
        })),
        { shape: [names.length, LONGEST] },
      );
    const labels = tensor(Int32Array.from(names, ({ label }) => label));
    const before = padded(({ tokens }) => [START, ...tokens], END);
    const after = padded(({ tokens }) => [...tokens, END], -1);
    const { output } = this.#gru.run(this.#letters.forward(before), {
      state: { hidden: this.#labels.forward(labels) },
    });
    return softmaxCrossEntropy(this.#output.forward(output), after, { ignoreIndex: -1 });
  }

  /** Samples names for a label. */
  write(label: number, { count, random }: { count: number; random: Random }): string[] {
    using _ = scope();
    return noGrad(() => {
      let hidden = this.#labels.forward(tensor(new Int32Array(count).fill(label)));
      let last: number[] = Array(count).fill(START);
      const names = last.map(() => "");
      const isOver = last.map(() => false);
      for (let t = 0; t < LONGEST && isOver.includes(false); t++) {
        const { output, state } = this.#gru.step(this.#letters.forward(tensor(Int32Array.from(last))), { hidden });
        ({ hidden } = state);
        const rows = softmax(this.#output.forward(output)).toArray() as number[][];
        last = rows.map((probabilities) => draw(probabilities, random));
        last.forEach((token, i) => {
          isOver[i] ||= token >= START;
          if (!isOver[i]) names[i] = names[i]! + LETTERS[token]!;
        });
      }
      return names;
    });
  }
}

function draw(probabilities: readonly number[], random: Random): number {
  let left = random.uniform();
  return Math.max(0, probabilities.findIndex((probability) => (left -= probability) < 0));
}

/** Trains on random names in each step and yields the loss of each step. */
export function* trainOnNames(
  model: NameWriter,
  { names, steps, random }: { names: readonly Name[]; steps: number; random: Random },
): Generator<number> {
  const draw = () => names[random.integer(names.length)]!;
  const loss = () => model.loss(Array.from({ length: 64 }, draw));
  yield* takeSteps(model.parameters(), { steps, learningRate: 5e-3, loss });
}

/** The loss on names, without gradients. */
export function lossOn(model: NameWriter, names: readonly Name[]): number {
  using _ = scope();
  return noGrad(() => model.loss(names)).item();
}

if (import.meta.main) {
  const random = new Random(1);
  const all = await loadNames();
  // Both entries of a name with both labels go to the same part.
  const groups = [...Map.groupBy(all, ({ tokens }) => String(tokens)).values()];
  const order = Array.from(random.permutation(groups.length), (i) => groups[i]!);
  const [test, names] = [order.slice(0, 800).flat(), order.slice(800).flat()];
  const model = new NameWriter(random);
  const steps = 2000;
  let step = 0;
  for (const loss of trainOnNames(model, { names, steps, random })) {
    if (++step % 400 > 0) continue;
    const other = test.map(({ tokens, label }) => ({ tokens, label: 1 - label }));
    const [unseen, wrong] = [lossOn(model, test), lossOn(model, other)].map((value) => value.toFixed(3));
    console.error(
      `step ${String(step).padStart(4)}/${steps}  loss ${loss.toFixed(3)}  ` +
        `unseen names ${unseen}  with the wrong label ${wrong}`,
    );
  }
  LABELS.forEach((label, index) => {
    const written = model.write(index, { count: 12, random });
    console.log(`${label}: ${written.map((name) => name.slice(0, 1).toUpperCase() + name.slice(1)).join(", ")}`);
  });
}
