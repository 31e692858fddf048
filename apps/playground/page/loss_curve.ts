import type { Progress } from "../messages.ts";

/** Points that are drawn of a curve at most. */
const MOST_POINTS = 500;

/** The losses of a run so far. */
export class LossCurve {
  #losses: Float64Array = new Float64Array(1024);
  #count = 0;
  readonly #validation: (readonly [step: number, loss: number])[] = [];

  /** Adds what a report brings. */
  add({ losses, validation }: Pick<Progress, "losses" | "validation">): void {
    const needed = this.#count + losses.length;
    if (needed > this.#losses.length) {
      const larger = new Float64Array(Math.max(needed, 2 * this.#losses.length));
      larger.set(this.#losses.subarray(0, this.#count));
      this.#losses = larger;
    }
    this.#losses.set(losses, this.#count);
    this.#count = needed;
    this.#validation.push(...validation);
  }

  /** Steps so far. */
  get steps(): number {
    return this.#count;
  }

  /** The mean loss of the last steps, some hundred of them; undefined before the first. */
  get recent(): number | undefined {
    return this.#count === 0 ? undefined : this.#mean(Math.max(0, this.#count - 100), this.#count);
  }

  /** The last loss on what is held back. */
  get validation(): number | undefined {
    return this.#validation.at(-1)?.[1];
  }

  #mean(from: number, to: number): number {
    let total = 0;
    for (let i = from; i < to; i++) total += this.#losses[i]!;
    return total / (to - from);
  }

  /** What is drawn: steps, the mean training loss of so many steps up to each, and the loss on what is held back. */
  points(): { readonly steps: number[]; readonly training: (number | null)[]; readonly validation: (number | null)[] } {
    const size = Math.max(1, Math.ceil(this.#count / MOST_POINTS));
    const stride = Math.max(1, Math.ceil(this.#validation.length / MOST_POINTS));
    const training = new Map<number, number>();
    for (let to = size; to <= this.#count; to += size) training.set(to, this.#mean(to - size, to));
    const validation = new Map(
      this.#validation.filter((_, i) => i % stride === 0 || i === this.#validation.length - 1),
    );
    const steps = [...new Set([...training.keys(), ...validation.keys()])].sort((a, b) => a - b);
    return {
      steps,
      training: steps.map((step) => training.get(step) ?? null),
      validation: steps.map((step) => validation.get(step) ?? null),
    };
  }

  /** Every step with its loss, and that on what is held back where it was looked at, to the last digit. */
  toCsv(): string {
    const validation = new Map(this.#validation);
    const lines = Array.from(
      this.#losses.subarray(0, this.#count),
      (loss, i) => `${i + 1},${loss},${validation.get(i + 1) ?? ""}`,
    );
    return ["step,loss,held_back", ...lines, ""].join("\n");
  }
}
