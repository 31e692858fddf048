import type { Progress, RunFacts } from "../messages.ts";
import { element, make } from "./element.ts";
import { format, formatCount } from "./format.ts";
import { Plot } from "./plot.ts";

/** The maximum number of points drawn of a curve. */
const MAX_POINTS = 500;

/** The losses of a run so far. */
export class LossCurve {
  #losses: Float64Array = new Float64Array(1024);
  #count = 0;
  #validation: (readonly [step: number, loss: number])[] = [];

  /** Adds the losses of a report. */
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

  /** Forgets the losses after a step. */
  rewind(steps: number): void {
    this.#count = Math.min(this.#count, steps);
    this.#validation = this.#validation.filter(([step]) => step <= steps);
  }

  /** The number of steps so far. */
  get steps(): number {
    return this.#count;
  }

  /** The mean loss of the last hundred steps; undefined before the first. */
  get recent(): number | undefined {
    return this.#count === 0 ? undefined : this.#mean(Math.max(0, this.#count - 100), this.#count);
  }

  /** The last validation loss, if any. */
  get validation(): number | undefined {
    return this.#validation.at(-1)?.[1];
  }

  #mean(from: number, to: number): number {
    let total = 0;
    for (let i = from; i < to; i++) total += this.#losses[i]!;
    return total / (to - from);
  }

  /** The points to draw. Each training loss is the mean of the steps since the previous point. */
  points(): { readonly steps: number[]; readonly training: (number | null)[]; readonly validation: (number | null)[] } {
    const size = Math.max(1, Math.ceil(this.#count / MAX_POINTS));
    const stride = Math.max(1, Math.ceil(this.#validation.length / MAX_POINTS));
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

  /** The loss of every step, and its validation loss if any, with all digits. */
  toCsv(): string {
    const validation = new Map(this.#validation);
    const lines = Array.from(
      this.#losses.subarray(0, this.#count),
      (loss, i) => `${i + 1},${loss},${validation.get(i + 1) ?? ""}`,
    );
    return ["step,loss,validation", ...lines, ""].join("\n");
  }
}

/** The line patterns of the baselines. */
const DASHES = [{ name: "dashed", dash: [6, 4] }, { name: "dotted", dash: [2, 3] }] as const;

/** The plot of training and validation loss by step, with the baselines. */
export class LossView {
  readonly #host = element("loss-plot");
  #plot: Plot | undefined;
  #facts: RunFacts | undefined;

  /** Prepares the plot of a run. */
  start(facts: RunFacts): void {
    const baselines = Object.keys(facts.baselines).map((label, i) => ({ label, color: "--quiet", ...DASHES[i]! }));
    this.#facts = facts;
    this.#plot?.remove();
    this.#plot = new Plot(this.#host, {
      lines: [
        { label: "training", color: "--accent", spanGaps: true },
        { label: "validation", color: "--other", width: 2, spanGaps: true },
        ...baselines,
      ],
      logarithmic: facts.logarithmic,
    });
    const item = (style: string, label: string) => make("li", { class: style }, [label]);
    element("loss-legend").replaceChildren(
      item("accent", "training"),
      item("other", "validation"),
      ...baselines.map(({ name, label }) => item(`quiet ${name}`, label)),
    );
    element("loss-name").textContent = facts.unit[0]!.toUpperCase() + facts.unit.slice(1);
    element("about").textContent = `${facts.about} ${formatCount(facts.parameters)} parameters.`;
  }

  /** Draws a run's losses. */
  show(curve: LossCurve): void {
    if (this.#plot === undefined || this.#facts === undefined) return;
    const { steps, training, validation } = curve.points();
    const baselines = Object.values(this.#facts.baselines).map((value) => steps.map(() => value));
    this.#plot.show([steps, training, validation, ...baselines]);
    const { recent } = curve;
    this.#host.ariaLabel = recent === undefined
      ? "Loss by step: no steps yet"
      : `Loss by step, up to step ${formatCount(steps.at(-1)!)}: ${format(recent)} ${this.#facts.unit}`;
  }
}
