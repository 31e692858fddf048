import type { Unfolding } from "../worker/unfold_network.ts";
import { makeSvg } from "./element.ts";
import { type Bindings, CELL, group, level, powersOf, type Row, type Scene, text, topOf } from "./figure.ts";
import { format } from "./format.ts";

/** How wide a time step is, at least and at most, and its boxes. */
const [NARROWEST, WIDEST, BOX] = [14, 48, 20];
/** How wide a character of a label is. */
const CHARACTER = 7;
/** Space at the right for half a label. */
const MARGIN = 12;

/** How wide a time step is, and of how many labels one is written, so that none covers the next. */
interface Spacing {
  readonly step: number;
  readonly x: number;
  readonly h: number;
  readonly t: number;
}

/** Spaces time steps over a width. */
export function spacingOf({ steps }: Unfolding, available: number): Spacing {
  const step = Math.max(NARROWEST, Math.min(WIDEST, Math.floor((available - MARGIN) / steps.length)));
  const spacing = (labels: readonly string[]) => {
    const longest = Math.max(...labels.map((label) => [...label].length));
    return Math.max(1, Math.ceil((longest - 0.5) * CHARACTER / step));
  };
  return {
    step,
    x: spacing(steps.map(({ input }) => input.label)),
    h: spacing(steps.map(({ output }) => output.label)),
    t: Math.max(4, spacing([String(steps.length)])),
  };
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
export function drawChain(scene: Scene, every: Spacing, available: number, bindings: Bindings<Scene>): SVGElement {
  const { unfolding: { steps }, layout: { h, s, x, label, bars, height } } = scene;
  const { step } = every;
  const width = Math.max(available, step * steps.length + MARGIN);
  const box = Math.min(BOX, Math.round(step * 0.55));
  const lines = powersOf(scene).map(({ y }) => makeSvg("line", { x1: 0, x2: width, y1: y, y2: y, class: "grid" }));

  type Step = Unfolding["steps"][number];
  const drawn = steps.flatMap((first, t) => {
    const from = t * step + (step - box) / 2;
    const middle = from + box / 2;
    const at = `at step ${t + 1}`;
    const now = ({ unfolding }: Scene) => unfolding.steps[t]!;
    /** Numbers one below the other. */
    const cells = (
      name: (step: Step) => string,
      of: (step: Step) => Float32Array,
      { y }: Row,
      row: "x" | "s" | "h",
    ) => {
      const rects = Array.from(of(first), (_, i) => {
        const rect = makeSvg("rect", { x: from, y: y + i * CELL, width: box, height: CELL });
        bindings.attribute(rect, "class", (scene) => level(of(now(scene))[i]!, scene.ranges[row]));
        return rect;
      });
      return group(rects, bindings, (scene) => {
        const values = Array.from(of(now(scene)), (value) => format(value, 2));
        return `${name(now(scene))}: ${values.join(", ")}`;
      });
    };
    // The last step has its label always.
    const said = (of: (step: Step) => string, y: number, every: number) => {
      if ((steps.length - 1 - t) % every !== 0) return [];
      const line = text(middle, y, "", { class: "said" });
      bindings.text(line, (scene) => of(now(scene)));
      return [line];
    };
    const layers = s.flatMap((row, layer) => {
      const below = layer === 0 ? x : s[layer - 1]!;
      const y = row.y + row.height / 2;
      const name = `s ${at}${s.length > 1 ? `, layer ${layer + 1}` : ""}`;
      return [
        cells(() => name, ({ states }) => states[layer]!, row, "s"),
        arrow(middle, below.y - 3, middle, row.y + row.height + 4),
        ...(t === 0 ? [] : [arrow(from - step + box + 1, y, from - 1, y)]),
      ];
    });
    const bar = makeSvg("rect", { x: from, width: box, class: "gradient" });
    bindings.attribute(bar, "y", (scene) => String(topOf(now(scene).gradient, scene)));
    bindings.attribute(
      bar,
      "height",
      (scene) => String(bars.y + bars.height - topOf(now(scene).gradient, scene)),
    );
    return [
      ...said(({ output }) => output.label, h.y - 6, every.h),
      cells(({ output }) => `h ${at}, ${output.label}`, ({ output }) => output.values, h, "h"),
      arrow(middle, s.at(-1)!.y - 3, middle, h.y + h.height + 4),
      ...layers,
      cells(({ input }) => `x ${at}, ${input.label}`, ({ input }) => input.values, x, "x"),
      ...said(({ input }) => input.label, label, every.x),
      group([bar], bindings, (scene) => `‖∂loss/∂s‖ ${at}: ${format(now(scene).gradient)}`),
      ...(t % every.t === 0 ? [text(middle, height - 4, String(t + 1), { class: "tick middle" })] : []),
    ];
  });
  const description = `A network unfolded over ${steps.length} time steps; its values are in the table below`;
  return makeSvg("svg", { width, height, role: "img", "aria-label": description }, [arrowhead(), ...lines, ...drawn]);
}
