/**
 * Draws `docs/architecture.svg`: one training step and one forecast, from file to file. Each module has a column; time
 * runs downwards.
 *
 *     deno task picture architecture
 *
 * @module
 */

const MODULES = {
  apps: "#5f3dc4",
  training: "#1c7ed6",
  layers: "#e8590c",
  core: "#2b8a3e",
  optimizers: "#9c36b5",
} as const;
type Module = keyof typeof MODULES;

/** What happens in one file. */
type Stop = readonly [module: Module, file: string, what: string];

/** A training step, file by file. */
export const STEP: readonly Stop[] = [
  ["training", "data/", "gives a batch: inputs and targets"],
  ["training", "train.ts", "opens a scope"],
  ["layers", "sequential.ts", "runs the model, layer by layer"],
  ["layers", "recurrent/recurrent.ts", "all time steps: one tape node"],
  ["core", "gemm.ts", "matrix products"],
  ["layers", "losses/", "computes the loss"],
  ["core", "autograd.ts", "backward pass along the tape"],
  ["core", "parameter.ts", "all gradients, in one slab"],
  ["optimizers", "optimizer.ts", "runs its plugins in order"],
  ["optimizers", "transforms.ts, rules/", "clip, then update the slab"],
  ["training", "train.ts", "yields an event"],
];
/** A forecast, file by file. */
export const FORECAST: readonly Stop[] = [
  ["apps", "stock/main.ts", "reads the options and the prices"],
  ["core", "safetensors.ts", "decodes the model file"],
  ["apps", "stock/forecaster.ts", "features of the last window"],
  ["training", "scalers/", "scale them as in training"],
  ["training", "predict.ts", "opens a scope; no tape"],
  ["layers", "sequential.ts", "runs the model, layer by layer"],
  ["core", "gemm.ts", "matrix products"],
  ["apps", "stock/forecaster.ts", "prices with their interval"],
];

const [COLUMN, BOX_WIDTH, ROW, BOX_HEIGHT, LEFT] = [216, 200, 58, 42, 20];
const x = (module: Module) => LEFT + COLUMN * Object.keys(MODULES).indexOf(module);
const WIDTH = 2 * LEFT + COLUMN * Object.keys(MODULES).length - (COLUMN - BOX_WIDTH);

/** Writes an element with attributes and content. */
function element(name: string, attributes: Readonly<Record<string, string | number>>, content = ""): string {
  const list = Object.entries(attributes).map(([key, value]) => `${key}="${value}"`).join(" ");
  return `<${name} ${list}>${content}</${name}>`;
}

function box([module, file, what]: Stop, number: number, y: number): string {
  const [color, left] = [MODULES[module], x(module)];
  const size = { width: BOX_WIDTH, height: BOX_HEIGHT, rx: 6 };
  return [
    element("rect", { x: left, y, ...size, fill: color, "fill-opacity": 0.08, stroke: color }),
    element("text", { x: left + 10, y: y + 18, "font-weight": "bold", fill: color }, `${number}  ${file}`),
    element("text", { x: left + 10, y: y + 34, "font-size": 11, fill: "#343a40" }, what),
  ].join("\n");
}

/** An arrow from the bottom of one box to the top of the next, which is one row below. */
function arrow([from]: Stop, [to]: Stop, y: number): string {
  const middle = (module: Module) => x(module) + BOX_WIDTH / 2;
  const [bottom, top] = [y + BOX_HEIGHT, y + ROW];
  const d = `M${middle(from)},${bottom}V${(bottom + top) / 2 - 1}H${middle(to)}V${top - 1}`;
  return element("path", { d, fill: "none", stroke: "#495057", "marker-end": "url(#head)" });
}

/** A titled path: returns its elements and the y below it. */
function path(
  title: string,
  stops: readonly Stop[],
  top: number,
): { readonly elements: string; readonly bottom: number } {
  const first = top + 42;
  const y = (i: number) => first + ROW * i;
  const bottom = y(stops.length - 1) + BOX_HEIGHT;
  const elements = [
    element("text", { x: LEFT, y: top + 24, "font-size": 15, "font-weight": "bold", fill: "#212529" }, title),
    ...stops.slice(1).map((stop, i) => arrow(stops[i]!, stop, y(i))),
    ...stops.map((stop, i) => box(stop, i + 1, y(i))),
  ];
  return { elements: elements.join("\n"), bottom };
}

const heads = Object.entries(MODULES).map(([module, fill]) => {
  const middle = x(module as Module) + BOX_WIDTH / 2;
  const style = { "font-size": 14, "font-weight": "bold", "text-anchor": "middle", fill };
  return element("text", { x: middle, y: 34, ...style }, `${module}/`);
});
const step = path("One training step", STEP, 48);
const forecast = path("One forecast", FORECAST, step.bottom + 20);
const size = { width: WIDTH, height: forecast.bottom + LEFT };
const head = element("path", { d: "M0,0L8,4L0,8Z", fill: "#495057" });
const marker = { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" };
const content = [
  element("title", {}, "One training step and one forecast, from file to file"),
  element("defs", {}, element("marker", marker, head)),
  element("rect", { ...size, fill: "white" }),
  ...heads,
  step.elements,
  forecast.elements,
];
const attributes = {
  xmlns: "http://www.w3.org/2000/svg",
  ...size,
  viewBox: `0 0 ${size.width} ${size.height}`,
  "font-family": "sans-serif",
  "font-size": 12,
};
const svg = element("svg", attributes, content.join("\n"));
if (import.meta.main) Deno.writeTextFileSync(new URL("../docs/architecture.svg", import.meta.url), `${svg}\n`);
