import type { Excerpt, Unfolding } from "../worker/unfold_network.ts";
import { makeSvg } from "./element.ts";
import {
  type Bindings,
  CELL,
  GAP,
  group,
  largest,
  level,
  powersOf,
  type Row,
  type Scene,
  text,
  topOf,
} from "./figure.ts";
import { format } from "./format.ts";

/** The side of a weight's cell. */
const SIDE = 4.5;
/** The width of the weights' drawing, and where its matrices and the row symbols begin. */
const [WEIGHTS, MATRIX, SYMBOL] = [122, 20, 100];

/** A letter with subscript t. */
function symbol(letter: string, y: number): SVGElement {
  return makeSvg("text", { x: SYMBOL, y: y + 4, class: "name" }, [
    makeSvg("tspan", { "font-style": "italic" }, [letter]),
    makeSvg("tspan", { "font-size": 9, dy: 3 }, ["t"]),
  ]);
}

/** Draws the left margin of the figure: the row symbols, the weights between them and the scale of the gradients. */
export function drawWeights(scene: Scene, bindings: Bindings<Scene>): SVGElement {
  const { unfolding, layout: { h, s, x, bars, height } } = scene;
  const ofGate = unfolding.gate === undefined ? "" : `, gate ${unfolding.gate}`;
  const middleOf = ({ y, height }: Row) => y + height / 2;
  const name = (letter: string, y: number) => text(2, y + 5, letter, { class: "name" });

  /** A matrix, vertically centred. Its rows run from the top, or from the left if `transposed`. */
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
      return `${name}: ${shape[0]} × ${shape[1]}, the first ${rows} × ${columns} shown, largest value ±${range}`;
    });
  }

  const [toOutput, toState] = [s.at(-1)!.y - GAP / 2, x.y - GAP / 2];
  const states = s.flatMap((row, layer) => {
    const middle = middleOf(row);
    const ofLayer = s.length > 1 ? `, layer ${layer + 1}` : "";
    const weight = matrix(`W${ofGate}${ofLayer}`, middle, ({ recurrentWeights }) => recurrentWeights[layer]!);
    return [symbol("s", middle), name("W", middle), weight];
  });
  const scale = powersOf(scene).map(({ power, y }) =>
    text(WEIGHTS - 4, y + 4, power === 0 ? "1" : `1e${power}`.replace("-", "−"), {
      class: "tick",
      "text-anchor": "end",
    })
  );
  const attributes = { width: WEIGHTS, height, role: "img", "aria-label": "The weights U, W and V as colours" };
  return makeSvg("svg", attributes, [
    symbol("h", middleOf(h)),
    name("V", toOutput),
    matrix("V, transposed", toOutput, ({ outputWeight }) => outputWeight, { transposed: true }),
    ...states,
    name("U", toState),
    matrix(`U${ofGate}`, toState, ({ inputWeight }) => inputWeight),
    symbol("x", middleOf(x)),
    text(2, bars.y + 8, "‖∂loss/∂s‖", { class: "name" }),
    text(2, bars.y + 24, "last step = 1"),
    text(2, height - 4, "time step"),
    ...scale,
  ]);
}

/** The minimum and maximum width of a time step, and the maximum width of its boxes. */
const [NARROWEST, WIDEST, BOX] = [14, 48, 20];
/** The width of a character in a label. */
const CHARACTER = 7;
/** Space on the right, for half a label. */
const MARGIN = 12;

/** The width of a time step, and the steps between labels of each kind, chosen so that labels do not overlap. */
interface Spacing {
  readonly step: number;
  readonly x: number;
  readonly h: number;
  readonly t: number;
}

/** Spaces time steps over the available width. */
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

/** Draws the network once per time step, with the gradients below. */
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
    /** A column of values. */
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
    // The last step always has its label.
    const labelled = (of: (step: Step) => string, y: number, every: number) => {
      if ((steps.length - 1 - t) % every !== 0) return [];
      const line = text(middle, y, "", { class: "label" });
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
    const heightOf = (scene: Scene) => bars.y + bars.height - topOf(now(scene).gradient, scene);
    bindings.attribute(bar, "height", (scene) => String(heightOf(scene)));
    return [
      ...labelled(({ output }) => output.label, h.y - 6, every.h),
      cells(({ output }) => `h ${at}, ${output.label}`, ({ output }) => output.values, h, "h"),
      arrow(middle, s.at(-1)!.y - 3, middle, h.y + h.height + 4),
      ...layers,
      cells(({ input }) => `x ${at}, ${input.label}`, ({ input }) => input.values, x, "x"),
      ...labelled(({ input }) => input.label, label, every.x),
      group([bar], bindings, (scene) => `‖∂loss/∂s‖ ${at}: ${format(now(scene).gradient)}`),
      ...(t % every.t === 0 ? [text(middle, height - 4, String(t + 1), { class: "tick middle" })] : []),
    ];
  });
  const description = `A network unfolded over ${steps.length} time steps. The table below has its values.`;
  return makeSvg("svg", { width, height, role: "img", "aria-label": description }, [arrowhead(), ...lines, ...drawn]);
}
