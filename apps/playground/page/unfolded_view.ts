import type { Unfolding } from "../worker/unfold_network.ts";
import { Bindings } from "./bindings.ts";
import { describeFlow } from "./describe_flow.ts";
import { drawChain, spacingOf } from "./draw_chain.ts";
import { drawWeights } from "./draw_weights.ts";
import { element, makeSvg, makeTable } from "./element.ts";
import { GAP, type Scene, sceneOf } from "./figure.ts";
import { listUnfolding } from "./list_unfolding.ts";

/** Width of a colour in the legend. */
const SWATCH = 9;
/** Height of the figure at most, besides the gaps below each layer. */
const HEIGHT = 466;

/** The figure of an unfolded network, what its gradient does, and the same as a table. */
export class UnfoldedView {
  readonly #chain = element("chain");
  readonly #weights = element("weights");
  readonly #flow = element("flow");
  readonly #table = element("unfolded-table");
  readonly #details = this.#table.closest("details")!;
  /** What the drawing's shape depends on; where it changes, the figure is drawn anew. */
  #shape = "";
  #bindings = new Bindings<Scene>();
  #unfolding: Unfolding | undefined;

  constructor() {
    const swatch = (_: unknown, level: number) =>
      makeSvg("rect", { x: level * SWATCH, width: SWATCH, height: 12, class: `level-${level}` });
    element("swatches").append(...Array.from({ length: 21 }, swatch));
    this.#details.addEventListener("toggle", () => this.#showTable());
    new ResizeObserver(() => {
      if (this.#unfolding !== undefined && this.#chain.clientWidth > 0) this.show(this.#unfolding);
    }).observe(this.#chain);
  }

  /** Begins a run of so many layers, for which room is kept. */
  start(layers: number): void {
    element("unfolded").style.minHeight = `${HEIGHT + layers * GAP}px`;
    this.#shape = "";
    this.#unfolding = undefined;
    for (const part of [this.#chain, this.#weights, this.#flow, this.#table]) part.replaceChildren();
  }

  /** Shows a network as it stands. */
  show(unfolding: Unfolding): void {
    const scene = sceneOf(unfolding);
    const available = this.#chain.clientWidth;
    const spacing = spacingOf(unfolding, available);
    const shape = JSON.stringify([scene.layout, scene.top, spacing, available, unfolding.steps.length]);
    if (shape !== this.#shape) {
      this.#bindings = new Bindings();
      this.#weights.replaceChildren(drawWeights(scene, this.#bindings));
      this.#chain.replaceChildren(drawChain(scene, spacing, available, this.#bindings));
    }
    this.#bindings.update(scene);
    // The end comes first: there the gradient starts.
    if (this.#shape === "") this.#chain.scrollLeft = this.#chain.scrollWidth;
    this.#shape = shape;
    this.#unfolding = unfolding;
    this.#flow.textContent = describeFlow(unfolding.steps.map(({ gradient }) => gradient), unfolding.switchedOff);
    this.#showTable();
  }

  #showTable(): void {
    if (!this.#details.open || this.#unfolding === undefined) return;
    const { steps, weights } = listUnfolding(this.#unfolding);
    this.#table.replaceChildren(makeTable(steps.head, steps.rows), makeTable(weights.head, weights.rows));
  }
}
