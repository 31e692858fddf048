import type { Excerpt, Unfolding } from "../worker/unfold_network.ts";
import { makeSvg } from "./element.ts";
import { type Bindings, GAP, group, largest, level, powersOf, type Row, type Scene, text } from "./figure.ts";
import { format } from "./format.ts";

/** The side of a cell that stands for a weight. */
const SIDE = 4.5;
/** How wide the drawing is, and where matrices and the symbols of the rows begin. */
const [WIDTH, MATRIX, SYMBOL] = [122, 20, 100];

/** A letter with the index t. */
function symbol(letter: string, y: number): SVGElement {
  return makeSvg("text", { x: SYMBOL, y: y + 4, class: "name" }, [
    makeSvg("tspan", { "font-style": "italic" }, [letter]),
    makeSvg("tspan", { "font-size": 9, dy: 3 }, ["t"]),
  ]);
}

/** What stands before the chain: the rows' symbols, the weights between them, and the scale of the gradients. */
export function drawWeights(scene: Scene, bindings: Bindings<Scene>): SVGElement {
  const { unfolding, layout: { h, s, x, bars, height } } = scene;
  const of = unfolding.gate === undefined ? "" : ` of gate ${unfolding.gate}`;
  const middleOf = ({ y, height }: Row) => y + height / 2;
  const name = (letter: string, y: number) => text(2, y + 5, letter, { class: "name" });

  /** A matrix around a middle height, its rows from the top, or with `transposed` from the left. */
  function matrix(
    name: string,
    middle: number,
    excerpt: (unfolding: Unfolding) => Excerpt,
    { transposed = false } = {},
  ): SVGElement {
    const { rows, columns, shape, values } = excerpt(unfolding);
    const top = middle - SIDE * (transposed ? columns : rows) / 2;
    const cells = Array.from(values, (_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      const [across, down] = transposed ? [row, column] : [column, row];
      const place = { x: MATRIX + across * SIDE, y: top + down * SIDE };
      const cell = makeSvg("rect", { ...place, width: SIDE, height: SIDE });
      bindings.attribute(cell, "class", ({ unfolding }) => {
        const { values } = excerpt(unfolding);
        return level(values[i]!, largest(values));
      });
      return cell;
    });
    return group(cells, bindings, ({ unfolding }) => {
      const range = format(largest(excerpt(unfolding).values), 2);
      return `${name}, ${shape[0]} × ${shape[1]}, its first ${rows} × ${columns}: up to ±${range}`;
    });
  }

  const [toOutput, toState] = [s.at(-1)!.y - GAP / 2, x.y - GAP / 2];
  const states = s.flatMap((row, layer) => {
    const middle = middleOf(row);
    const ofLayer = s.length > 1 ? ` of layer ${layer + 1}` : "";
    const weight = matrix(`W${of}${ofLayer}`, middle, ({ recurrentWeights }) => recurrentWeights[layer]!);
    return [symbol("s", middle), name("W", middle), weight];
  });
  const scale = powersOf(scene).map(({ power, y }) =>
    text(WIDTH - 4, y + 4, power === 0 ? "1" : `1e${power}`.replace("-", "−"), { class: "tick", "text-anchor": "end" })
  );
  const attributes = { width: WIDTH, height, role: "img", "aria-label": "The weights U, W and V as colours" };
  return makeSvg("svg", attributes, [
    symbol("h", middleOf(h)),
    name("V", toOutput),
    matrix("V, transposed", toOutput, ({ outputWeight }) => outputWeight, { transposed: true }),
    ...states,
    name("U", toState),
    matrix(`U${of}`, toState, ({ inputWeight }) => inputWeight),
    symbol("x", middleOf(x)),
    text(2, bars.y + 8, "‖∂loss/∂s‖", { class: "name" }),
    text(2, bars.y + 24, "last step = 1"),
    text(2, height - 4, "time step"),
    ...scale,
  ]);
}
