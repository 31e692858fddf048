import { element, make } from "./element.ts";
import { formatCount } from "./format.ts";

/** The number of earlier samples shown. */
const KEPT = 6;
/** The first step after 0 at which a sample is kept. After that, samples are kept at every doubling. */
const FIRST_KEPT = 25;

/** The network's current sample of text, and some earlier ones. */
export class TextView {
  readonly #sample = element("sample");
  readonly #milestones = element("milestones");
  #next = 0;

  /** Removes the samples, for a new run. */
  clear(): void {
    this.#next = 0;
    this.#sample.textContent = "";
    this.#milestones.replaceChildren();
  }

  /** Shows the sample after a number of steps. */
  show(steps: number, text: string): void {
    this.#sample.textContent = text;
    if (steps < this.#next) return;
    this.#next = Math.max(FIRST_KEPT, 2 ** Math.ceil(Math.log2((steps + 1) / FIRST_KEPT)) * FIRST_KEPT);
    const beginning = [...text].slice(0, 120).join("").replaceAll(/\s+/g, " ").trim();
    this.#milestones.append(make("li", {}, [`step ${formatCount(steps)}`, make("span", {}, [beginning])]));
    if (this.#milestones.children.length > KEPT) this.#milestones.firstElementChild!.remove();
  }
}
