import type { Excerpt, Unfolding } from "../worker/unfold_network.ts";
import { makeSvg } from "./element.ts";
import { GAP, gradientScale, group, largest, layOut, level, type Row, text } from "./figure.ts";
import { format } from "./format.ts";

/** The side of a cell that stands for a weight. */
const SIDE = 4.5;
/** How wide the drawing is, and where matrices and the symbols of the rows begin. */
const [WIDTH, MATRIX, SYMBOL] = [122, 20, 100];

/** A matrix around a middle height, its rows from the top, or with `transposed` from the left. */
function matrix(
  { values, rows, columns, shape }: Excerpt,
  { name, middle, transposed = false }: { name: string; middle: number; transposed?: boolean },
): SVGElement {
  const range = largest(values);
  const top = middle - SIDE * (transposed ? columns : rows) / 2;
  const cells = Array.from(values, (value, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const [across, down] = transposed ? [row, column] : [column, row];
    return makeSvg("rect", {
      x: MATRIX + across * SIDE,
      y: top + down * SIDE,
      width: SIDE,
      height: SIDE,
      class: level(value, range),
    });
  });
  return group(`${name}, ${shape[0]} × ${shape[1]}, its first ${rows} × ${columns}: up to ±${format(range, 2)}`, cells);
}

/** A letter with the index t. */
function symbol(letter: string, y: number): SVGElement {
  return makeSvg("text", { x: SYMBOL, y: y + 4, class: "name" }, [
    makeSvg("tspan", { "font-style": "italic" }, [letter]),
    makeSvg("tspan", { "font-size": 9, dy: 3 }, ["t"]),
  ]);
}

/** What stands before the chain: the rows' symbols, the weights between them, and the scale of the gradients. */
export function drawWeights(unfolding: Unfolding): SVGElement {
  const { inputWeight, recurrentWeights, outputWeight, gate } = unfolding;
  const layout = layOut(unfolding);
  const { h, s, x, bars, height } = layout;
  const of = gate === undefined ? "" : ` of gate ${gate}`;
  const middleOf = ({ y, height }: Row) => y + height / 2;
  const name = (letter: string, y: number) => text(2, y + 5, letter, { class: "name" });
  const [toOutput, toState] = [s.at(-1)!.y - GAP / 2, x.y - GAP / 2];
  const states = s.flatMap((row, layer) => {
    const middle = middleOf(row);
    const ofLayer = s.length > 1 ? ` of layer ${layer + 1}` : "";
    return [
      symbol("s", middle),
      name("W", middle),
      matrix(recurrentWeights[layer]!, { name: `W${of}${ofLayer}`, middle }),
    ];
  });
  const scale = gradientScale(unfolding, layout).powers.map(({ power, y }) =>
    text(WIDTH - 4, y + 4, power === 0 ? "1" : `1e${power}`.replace("-", "−"), { class: "tick", "text-anchor": "end" })
  );
  const children = [
    symbol("h", middleOf(h)),
    name("V", toOutput),
    matrix(outputWeight, { name: "V, transposed", middle: toOutput, transposed: true }),
    ...states,
    name("U", toState),
    matrix(inputWeight, { name: `U${of}`, middle: toState }),
    symbol("x", middleOf(x)),
    text(2, bars.y + 8, "‖∂loss/∂s‖", { class: "name" }),
    text(2, bars.y + 24, "last step = 1"),
    text(2, height - 4, "time step"),
    ...scale,
  ];
  return makeSvg(
    "svg",
    { width: WIDTH, height, role: "img", "aria-label": "The weights U, W and V as colours" },
    children,
  );
}
