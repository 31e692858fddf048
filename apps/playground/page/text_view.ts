import { element, make } from "./element.ts";
import { formatCount } from "./format.ts";

/** Samples that are kept, besides the newest. */
const KEPT = 6;
/** The step after the first at which a sample is kept; each later one comes at twice the step before. */
const FIRST_KEPT = 25;

/** What the network writes, now and at some steps before. */
export class TextView {
  readonly #sample = element("sample");
  readonly #milestones = element("milestones");
  #next = 0;

  /** Begins a run. */
  start(): void {
    this.#next = 0;
    this.#sample.textContent = "";
    this.#milestones.replaceChildren();
  }

  /** Shows what is written after so many steps. */
  show(steps: number, text: string): void {
    this.#sample.textContent = text;
    if (steps < this.#next) return;
    this.#next = Math.max(FIRST_KEPT, 2 ** Math.ceil(Math.log2((steps + 1) / FIRST_KEPT)) * FIRST_KEPT);
    const line = make("li", {}, [
      `step ${formatCount(steps)}`,
      make("span", {}, [[...text].slice(0, 120).join("").replaceAll(/\s+/g, " ").trim()]),
    ]);
    this.#milestones.append(line);
    if (this.#milestones.children.length > KEPT) this.#milestones.firstElementChild!.remove();
  }
}
