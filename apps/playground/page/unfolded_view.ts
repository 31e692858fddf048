import type { Unfolding } from "../worker/unfold_network.ts";
import { describeFlow } from "./describe_flow.ts";
import { drawChain } from "./draw_chain.ts";
import { drawWeights } from "./draw_weights.ts";
import { element, make, makeTable } from "./element.ts";
import { GAP } from "./figure.ts";
import { format } from "./format.ts";

/** Height of the figure besides the gaps below each layer. */
const HEIGHT = 466;

/** The figure of an unfolded network, what its gradient does, and the same as a table. */
export class UnfoldedView {
  readonly #chain = element("chain");
  #length = 0;

  constructor() {
    element("swatches").append(...Array.from({ length: 21 }, (_, level) => make("i", { class: `level-${level}` })));
  }

  /** Keeps room for a network of so many layers. */
  reserve(layers: number): void {
    element("unfolded").style.minHeight = `${HEIGHT + layers * GAP}px`;
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
