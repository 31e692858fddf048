import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** A test day, what was forecast for it the evening before, and what happened. */
export interface ForecastDay {
  readonly date: string;
  readonly forecast: number;
  readonly actual: number;
}

/** How many of the last days the lower panel shows, so that the two lines can be told apart. */
const CLOSE_UP = 60;

const COLORS = { "what happened": "#8a94a6", "forecast the day before": "#d9480f" };

/** Up to so few days are drawn as points too: a line needs two. */
const FEW = 10;

function panel(days: readonly ForecastDay[], title: string, height: number) {
  const values = days.flatMap(({ date, forecast, actual }) => [
    { date, line: "what happened", price: actual },
    { date, line: "forecast the day before", price: forecast },
  ]);
  return {
    title: { text: title, anchor: "start", fontSize: 13, fontWeight: "normal" },
    width: 860,
    height,
    data: { values },
    mark: { type: "line", strokeWidth: 1.5, point: days.length <= FEW },
    encoding: {
      x: {
        field: "date",
        type: "temporal",
        scale: { type: "utc" },
        axis: { title: null, grid: false, labelFlush: false },
      },
      y: { field: "price", type: "quantitative", scale: { zero: false }, axis: { title: "close" } },
      color: {
        field: "line",
        type: "nominal",
        scale: { domain: Object.keys(COLORS), range: Object.values(COLORS) },
        legend: { title: null, orient: "top", labelFontSize: 12, labelLimit: 0 },
      },
    },
  };
}

/**
 * Draws the test period as an SVG: all of it above, its last days below.
 *
 * @param title What is shown.
 */
export function forecastChart(days: readonly ForecastDay[], title: string): Promise<string> {
  const panels = [panel(days, "the whole test period", 260)];
  if (days.length > CLOSE_UP) panels.push(panel(days.slice(-CLOSE_UP), `its last ${CLOSE_UP} days`, 220));
  const spec = {
    background: "white",
    padding: 16,
    title: { text: title, fontSize: 16, anchor: "start", limit: 860 },
    vconcat: panels,
    config: { view: { stroke: null }, axis: { labelFontSize: 11, titleFontSize: 12 } },
  };
  return new View(parse(compile(spec as TopLevelSpec).spec), { renderer: "none" }).toSVG();
}
