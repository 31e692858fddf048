import type { Excerpt, Unfolding } from "../worker/unfold_network.ts";
import { drawChain, drawWeights, spacingOf } from "./draw.ts";
import { element, makeSvg, makeTable } from "./element.ts";
import { Bindings, GAP, largest, type Scene, sceneOf } from "./figure.ts";
import { format } from "./format.ts";

/**
 * Describes in a sentence how the gradient changes in the backward pass.
 *
 * @param switchedOff Whether every unit is a ReLU that is off at the last step.
 */
export function describeFlow(gradients: readonly number[], switchedOff = false): string {
  const [first, last] = [gradients[0]!, gradients.at(-1)!];
  if (last === 0) return "There is no gradient: it is 0 at the last step.";
  const ratio = first / last;
  const steps = gradients.length - 1;
  const back = `${steps} step${steps === 1 ? "" : "s"} back`;
  if (ratio === 0 && switchedOff) return "The gradient stops immediately: every ReLU is off at the last step.";
  if (ratio < 1e-9) return `The gradient vanishes: ${back}, nothing is left of it.`;
  if (ratio < 1e-3) return `The gradient vanishes: ${back}, 1 part in ${format(1 / ratio, 2)} is left.`;
  if (ratio < 0.5) return `The gradient fades: ${back}, 1 part in ${format(1 / ratio, 2)} is left.`;
  if (ratio > 10) return `The gradient explodes: ${back}, it is ${format(ratio, 2)} times that of the last step.`;
  return `The gradient gets through: ${back}, it is ${format(ratio, 2)} times that of the last step.`;
}

/** The contents of a table. */
interface Listing {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The figure as tables: the values of each time step, and the shapes and ranges of the weights. */
export function listUnfolding(unfolding: Unfolding): { readonly steps: Listing; readonly weights: Listing } {
  const { steps, inputWeight, recurrentWeights, outputWeight, gate } = unfolding;
  const list = (values: Iterable<number>) => Array.from(values, (value) => format(value, 2)).join(" ");
  const ofGate = gate === undefined ? "" : `, gate ${gate}`;
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
      head: ["weights", "shape", "first ones shown", "largest shown"],
      rows: [
        weight(`U${ofGate}`, inputWeight),
        ...recurrentWeights.map((matrix, layer) => {
          const ofLayer = recurrentWeights.length > 1 ? `, layer ${layer + 1}` : "";
          return weight(`W${ofGate}${ofLayer}`, matrix);
        }),
        weight("V", outputWeight),
      ],
    },
  };
}

/** The width of a colour in the legend. */
const SWATCH = 9;
/** The maximum height of the figure, without the gaps below the layers. */
const HEIGHT = 466;

/** The figure of an unfolded network, a sentence about its gradient, and the values as tables. */
export class UnfoldedView {
  readonly #chain = element("chain");
  readonly #weights = element("weights");
  readonly #flow = element("flow");
  readonly #table = element("unfolded-table");
  readonly #details = this.#table.closest("details")!;
  /** Everything that determines the drawing's shape. If it changes, the figure is redrawn. */
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

  /** Clears the figure and reserves the space that a number of layers needs. */
  start(layers: number): void {
    element("unfolded").style.minHeight = `${HEIGHT + layers * GAP}px`;
    this.#shape = "";
    this.#unfolding = undefined;
    for (const part of [this.#chain, this.#weights, this.#flow, this.#table]) part.replaceChildren();
  }

  /** Shows a network. */
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
    // The backward pass starts at the last step: show that end first.
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
