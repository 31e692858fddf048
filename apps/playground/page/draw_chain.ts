import type { Unfolding } from "../worker/unfold_network.ts";
import { makeSvg } from "./element.ts";
import { CELL, gradientScale, group, largest, layOut, level, type Row, text } from "./figure.ts";
import { format } from "./format.ts";

/** How wide a time step is, at least and at most, and its boxes. */
const [NARROWEST, WIDEST, BOX] = [14, 48, 20];
/** Space at the right for half a label. */
const MARGIN = 12;
/** How wide a character of a label is. */
const CHARACTER = 7;

/** Of how many labels one is written, so that none covers the next. */
function spacing(labels: readonly string[], step: number): number {
  const longest = Math.max(...labels.map((label) => [...label].length));
  return Math.max(1, Math.ceil((longest - 0.5) * CHARACTER / step));
}

function arrow(x1: number, y1: number, x2: number, y2: number): SVGElement {
  return makeSvg("line", { x1, x2, y1, y2, class: "line", "marker-end": "url(#arrow)" });
}

function arrowhead(): SVGElement {
  const path = makeSvg("path", { d: "M0 0L6 3L0 6z" });
  const size = { viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 5, markerHeight: 5, orient: "auto" };
  return makeSvg("defs", {}, [makeSvg("marker", { id: "arrow", ...size }, [path])]);
}

/** The network once for every time step, and the gradients below. */
export function drawChain(unfolding: Unfolding, available: number): SVGElement {
  const { steps } = unfolding;
  const layout = layOut(unfolding);
  const { h, s, x, label, bars, height } = layout;
  const { place, powers } = gradientScale(unfolding, layout);
  const step = Math.max(NARROWEST, Math.min(WIDEST, Math.floor((available - MARGIN) / steps.length)));
  const width = Math.max(available, step * steps.length + MARGIN);
  const box = Math.min(BOX, Math.round(step * 0.55));
  const ranges = {
    x: largest(...steps.map(({ input }) => input.values)),
    s: largest(...steps.flatMap(({ states }) => states)),
    h: largest(...steps.map(({ output }) => output.values)),
  };
  const every = {
    x: spacing(steps.map(({ input }) => input.label), step),
    h: spacing(steps.map(({ output }) => output.label), step),
    t: Math.max(4, spacing([String(steps.length)], step)),
  };
  const lines = powers.map(({ y }) => makeSvg("line", { x1: 0, x2: width, y1: y, y2: y, class: "grid" }));

  const drawn = steps.flatMap(({ input, states, output, gradient }, t) => {
    const from = t * step + (step - box) / 2;
    const middle = from + box / 2;
    const cells = (name: string, values: Float32Array, { y }: Row, most: number) =>
      group(
        `${name}: ${Array.from(values, (value) => format(value, 2)).join(", ")}`,
        Array.from(values, (value, i) =>
          makeSvg("rect", { x: from, y: y + i * CELL, width: box, height: CELL, class: level(value, most) })),
      );
    // The last step has its label always.
    const said = (content: string, y: number, every: number) =>
      (steps.length - 1 - t) % every === 0 ? [text(middle, y, content, { class: "said" })] : [];
    const at = `at step ${t + 1}`;
    const layers = s.flatMap((row, layer) => {
      const below = layer === 0 ? x : s[layer - 1]!;
      const y = row.y + row.height / 2;
      return [
        cells(`s ${at}${s.length > 1 ? `, layer ${layer + 1}` : ""}`, states[layer]!, row, ranges.s),
        arrow(middle, below.y - 3, middle, row.y + row.height + 4),
        ...(t === 0 ? [] : [arrow(from - step + box + 1, y, from - 1, y)]),
      ];
    });
    const top = place(gradient);
    return [
      ...said(output.label, h.y - 6, every.h),
      cells(`h ${at}, ${output.label}`, output.values, h, ranges.h),
      arrow(middle, s.at(-1)!.y - 3, middle, h.y + h.height + 4),
      ...layers,
      cells(`x ${at}, ${input.label}`, input.values, x, ranges.x),
      ...said(input.label, label, every.x),
      group(`‖∂loss/∂s‖ ${at}: ${format(gradient, 3)}`, [
        makeSvg("rect", { x: from, y: top, width: box, height: bars.y + bars.height - top, class: "gradient" }),
      ]),
      ...(t % every.t === 0 ? [text(middle, height - 4, String(t + 1), { class: "tick middle" })] : []),
    ];
  });
  const description = `A network unfolded over ${steps.length} time steps; its values are in the table below`;
  return makeSvg("svg", { width, height, role: "img", "aria-label": description }, [arrowhead(), ...lines, ...drawn]);
}
