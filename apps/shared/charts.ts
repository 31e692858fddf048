import { initWasm, Resvg } from "@resvg/resvg-wasm";
import type { EpochLosses } from "@unfold/training";
import { readFile } from "node:fs/promises";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { xmlText } from "./html.ts";

/** The colours of a chart. */
export interface Palette {
  readonly background: string;
  readonly ink: string;
  readonly grid: string;
  /** Actual values. */
  readonly actual: string;
  /** Forecasts. */
  readonly forecast: string;
  /** Baselines. */
  readonly other: string;
}

/** The colours for image files. */
export const LIGHT: Palette = {
  background: "#ffffff",
  ink: "#1f2430",
  grid: "#e3e6ec",
  actual: "#8a94a6",
  forecast: "#d9480f",
  other: "#1c7ed6",
};

/** The colours for a page, whose style sheet sets them, light or dark. */
export const PAGE: Palette = {
  background: "transparent",
  ink: "var(--ink)",
  grid: "var(--grid)",
  actual: "var(--actual)",
  forecast: "var(--forecast)",
  other: "var(--other)",
};

/** The width of a chart. */
export const CHART_WIDTH = 860;
/** Up to this number of values, points are drawn too: a single value has no line. */
export const FEW_POINTS = 10;

/** The font of charts, in a browser and without one. */
const FONT = "DejaVu Sans, Verdana, sans-serif";

/** Draws a Vega-Lite chart as SVG. */
export async function drawChart(spec: object, palette: Palette): Promise<string> {
  const { background, ink, grid } = palette;
  const whole = {
    background,
    padding: 12,
    ...spec,
    config: {
      font: FONT,
      view: { stroke: null },
      title: { color: ink, anchor: "start", fontSize: 13, fontWeight: "normal" },
      axis: {
        labelColor: ink,
        titleColor: ink,
        gridColor: grid,
        domainColor: grid,
        tickColor: grid,
        labelFontSize: 11,
        titleFontSize: 12,
        titleFontWeight: "normal",
      },
      legend: { title: null, orient: "top", labelColor: ink, labelFontSize: 12, labelLimit: 0 },
    },
  };
  // Vega escapes markup, but keeps characters that XML forbids.
  return xmlText(await new View(parse(compile(whole as TopLevelSpec).spec), { renderer: "none" }).toSVG());
}

/** The maximum number of points in a line. More would share pixels. */
const MOST_POINTS = 2000;

/** Evenly spaced values if there are too many to draw; the last one is always kept. */
export function thinned<T>(values: readonly T[]): readonly T[] {
  const step = Math.ceil(values.length / MOST_POINTS);
  return step <= 1 ? values : values.filter((_, i) => (values.length - 1 - i) % step === 0);
}

/**
 * Draws the learning curve and marks the best epoch.
 *
 * @param options `best` is that epoch; `floors` are losses of baselines by name, drawn as lines.
 */
export function learningChart(
  epochs: readonly EpochLosses[],
  { best, palette, floors = {} }: {
    readonly best: number;
    readonly palette: Palette;
    readonly floors?: Readonly<Record<string, number>>;
  },
): Promise<string> {
  const values = epochs.flatMap(({ epoch, loss, validationLoss }) => [
    { epoch, line: "training", value: loss },
    ...(validationLoss === undefined ? [] : [{ epoch, line: "validation", value: validationLoss }]),
  ]);
  const names = Object.keys(floors);
  const limits = names.map((line) => ({ line, value: floors[line] }));
  const y = { field: "value", type: "quantitative", scale: { zero: false }, axis: { title: "loss" } };
  const color = {
    field: "line",
    type: "nominal",
    scale: { domain: ["training", "validation", ...names], range: [palette.actual, palette.forecast, palette.other] },
  };
  return drawChart({
    width: CHART_WIDTH,
    height: 180,
    layer: [
      {
        data: { values },
        mark: { type: "line", strokeWidth: 1.5, point: epochs.length <= FEW_POINTS },
        encoding: {
          x: {
            field: "epoch",
            type: "quantitative",
            axis: { title: "epoch", grid: false, tickMinStep: 1, format: "d" },
          },
          y,
          color,
        },
      },
      ...(names.length === 0 ? [] : [{ data: { values: limits }, mark: { type: "rule" }, encoding: { y, color } }]),
      {
        data: { values: [{ epoch: best }] },
        mark: { type: "rule", color: palette.ink, strokeDash: [4, 3] },
        encoding: { x: { field: "epoch", type: "quantitative" } },
      },
    ],
  }, palette);
}

const load = (specifier: string) => readFile(new URL(import.meta.resolve(specifier)));

/** Loads the renderer. Returns the fonts, regular and bold. */
async function loadRenderer(): Promise<Uint8Array[]> {
  const [wasm, ...fonts] = await Promise.all([
    load("@resvg/resvg-wasm/index_bg.wasm"),
    load("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
    load("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"),
  ]);
  await initWasm(wasm!);
  return fonts;
}

let loaded: Promise<Uint8Array[]> | undefined;

/** Renders an SVG at twice its size. Text is in DejaVu Sans, so that every machine gives the same picture. */
export async function toPng(svg: string): Promise<Uint8Array> {
  const fontBuffers = await (loaded ??= loadRenderer());
  const font = { fontBuffers, defaultFontFamily: "DejaVu Sans", sansSerifFamily: "DejaVu Sans" };
  return new Resvg(svg, { font, fitTo: { mode: "zoom", value: 2 } }).render().asPng();
}
