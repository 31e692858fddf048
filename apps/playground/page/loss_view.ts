import type { RunFacts } from "../messages.ts";
import { element, make } from "./element.ts";
import { format, formatCount } from "./format.ts";
import type { LossCurve } from "./loss_curve.ts";
import { Plot } from "./plot.ts";

/** Patterns of the floors' lines. */
const DASHES = [{ name: "dashed", dash: [6, 4] }, { name: "dotted", dash: [2, 3] }] as const;

/** The loss by step, beside what is held back and what counting or naive forecasts reach. */
export class LossView {
  readonly #host = element("loss-plot");
  #plot: Plot | undefined;
  #facts: RunFacts | undefined;

  /** Begins a run. */
  start(facts: RunFacts): void {
    const floors = Object.keys(facts.floors).map((label, i) => ({ label, color: "--quiet", ...DASHES[i]! }));
    this.#facts = facts;
    this.#plot?.remove();
    this.#plot = new Plot(this.#host, {
      lines: [
        { label: "training", color: "--accent", spanGaps: true },
        { label: "held back", color: "--other", width: 2, spanGaps: true },
        ...floors,
      ],
      logarithmic: facts.logarithmic,
    });
    const item = (style: string, label: string) => make("li", { class: style }, [label]);
    element("loss-legend").replaceChildren(
      item("accent", "training"),
      item("other", "held back"),
      ...floors.map(({ name, label }) => item(`quiet ${name}`, label)),
    );
    element("loss-name").textContent = facts.unit[0]!.toUpperCase() + facts.unit.slice(1);
    element("about").textContent = `${facts.about}; ${formatCount(facts.parameters)} parameters.`;
  }

  /** Draws a curve. */
  show(curve: LossCurve): void {
    if (this.#plot === undefined || this.#facts === undefined) return;
    const { steps, training, validation } = curve.points();
    const floors = Object.values(this.#facts.floors).map((value) => steps.map(() => value));
    this.#plot.show([steps, training, validation, ...floors]);
    const { recent } = curve;
    this.#host.ariaLabel = recent === undefined
      ? "The loss by step: nothing yet"
      : `The loss by step, up to step ${formatCount(steps.at(-1)!)}: ${format(recent)} ${this.#facts.unit}`;
  }
}
