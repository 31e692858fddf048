import type { Unfolding } from "../worker/unfold_network.ts";
import { drawChain } from "./draw_chain.ts";
import { drawWeights } from "./draw_weights.ts";
import { element, make, makeTable } from "./element.ts";
import { format } from "./format.ts";

/** The figure of an unfolded network, what its gradient does, and the same as a table. */
export class UnfoldedView {
  readonly #chain = element("chain");
  #length = 0;

  constructor() {
    element("swatches").append(...Array.from({ length: 21 }, (_, level) => make("i", { class: `level-${level}` })));
  }

  /** Shows a network as it stands. */
  show(unfolding: Unfolding): void {
    const { steps } = unfolding;
    element("weights").replaceChildren(drawWeights(unfolding));
    this.#chain.replaceChildren(drawChain(unfolding, this.#chain.clientWidth));
    // The end comes first: there the gradient starts.
    if (steps.length !== this.#length) this.#chain.scrollLeft = this.#chain.scrollWidth;
    this.#length = steps.length;
    element("flow").textContent = describeFlow(steps.map(({ gradient }) => gradient));

    const list = (values: Iterable<number>) => Array.from(values, (value) => format(value, 2)).join(" ");
    element("unfolded-table").replaceChildren(makeTable(
      ["t", "x_t", "h_t", "‖∂loss/∂s_t‖", "s_t, its first features"],
      steps.map(({ input, output, gradient, states }, t) => [
        String(t + 1),
        input.label,
        output.label,
        format(gradient, 2),
        states.map(list).join("; "),
      ]),
    ));
  }
}

/** What becomes of the gradient on its way back, in a sentence. */
export function describeFlow(gradients: readonly number[]): string {
  const [first, last] = [gradients[0]!, gradients.at(-1)!];
  if (last === 0) return "There is no gradient: every unit that the loss depends on is switched off.";
  const ratio = first / last;
  const back = `${gradients.length - 1} steps back`;
  if (ratio < 1e-9) return `It vanishes: ${back} nothing is left of the last step’s gradient.`;
  if (ratio < 1e-3) {
    return `It vanishes: ${back} one part in ${format(1 / ratio, 2)} of the last step’s gradient is left.`;
  }
  if (ratio < 0.5) return `It fades: ${back} one part in ${format(1 / ratio, 2)} of the last step’s gradient is left.`;
  if (ratio > 10) return `It explodes: ${back} the gradient is ${format(ratio, 2)} times that of the last step.`;
  return `It gets through: ${back} the gradient is ${format(ratio, 2)} times that of the last step.`;
}
