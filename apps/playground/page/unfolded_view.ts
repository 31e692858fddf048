import type { Excerpt, Unfolding } from "../worker/unfold_network.ts";
import { drawChain, spacingOf } from "./draw_chain.ts";
import { drawWeights } from "./draw_weights.ts";
import { element, makeSvg, makeTable } from "./element.ts";
import { Bindings, GAP, largest, type Scene, sceneOf } from "./figure.ts";
import { format } from "./format.ts";

/**
 * What becomes of the gradient on its way back, in a sentence.
 *
 * @param switchedOff Whether every unit is a ReLU that is off at the last step.
 */
export function describeFlow(gradients: readonly number[], switchedOff = false): string {
  const [first, last] = [gradients[0]!, gradients.at(-1)!];
  if (last === 0) return "There is no gradient to follow: that of the last step is 0.";
  const ratio = first / last;
  const steps = gradients.length - 1;
  const back = `${steps} step${steps === 1 ? "" : "s"} back`;
  if (ratio === 0 && switchedOff) return "It ends at once: at the last step every unit is switched off, as ReLU does.";
  if (ratio < 1e-9) return `It vanishes: ${back} nothing is left of the last step’s gradient.`;
  if (ratio < 1e-3) {
    return `It vanishes: ${back} one part in ${format(1 / ratio, 2)} of the last step’s gradient is left.`;
  }
  if (ratio < 0.5) return `It fades: ${back} one part in ${format(1 / ratio, 2)} of the last step’s gradient is left.`;
  if (ratio > 10) return `It explodes: ${back} the gradient is ${format(ratio, 2)} times that of the last step.`;
  return `It gets through: ${back} the gradient is ${format(ratio, 2)} times that of the last step.`;
}

/** A table: what its columns are called, and its rows. */
interface Listing {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All that the figure shows as numbers: the values of each time step, and how large the weights are. */
export function listUnfolding(unfolding: Unfolding): { readonly steps: Listing; readonly weights: Listing } {
  const { steps, inputWeight, recurrentWeights, outputWeight, gate } = unfolding;
  const list = (values: Iterable<number>) => Array.from(values, (value) => format(value, 2)).join(" ");
  const of = gate === undefined ? "" : ` of gate ${gate}`;
  const weight = (name: string, { rows, columns, shape, values }: Excerpt) => [
    name,
    shape.join(" × "),
    `${rows} × ${columns}`,
    format(largest(values), 2),
  ];
  return {
    steps: {
      head: ["t", "‖∂loss/∂s_t‖", "x_t", "h_t", "s_t"],
      rows: steps.map(({ input, states, output, gradient }, t) => [
        String(t + 1),
        format(gradient, 2),
        `${input.label}: ${list(input.values)}`,
        `${output.label}: ${list(output.values)}`,
        states.map(list).join("; "),
      ]),
    },
    weights: {
      head: ["weights", "size", "drawn, its first", "largest of these"],
      rows: [
        weight(`U${of}`, inputWeight),
        ...recurrentWeights.map((matrix, layer) =>
          weight(`W${of}${recurrentWeights.length > 1 ? `, layer ${layer + 1}` : ""}`, matrix)
        ),
        weight("V", outputWeight),
      ],
    },
  };
}

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
