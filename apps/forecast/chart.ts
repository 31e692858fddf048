import { CHART_WIDTH, drawChart, FEW_POINTS, LIGHT, type Palette } from "../shared/charts.ts";
import { timeOf } from "../shared/tables/dates.ts";
import { HIGH, LOW, MEDIAN, type Quantiles } from "./quantiles.ts";
import type { SeriesSet } from "./series_set.ts";

/** Series in a picture, and steps before a forecast in horizons and at least. */
const [MOST_SERIES, HORIZONS, LEAST] = [4, 4, 24];

/** A series with its forecast. */
export interface Panel {
  readonly id: string;
  /** The last values and what their steps are called. */
  readonly values: readonly number[];
  readonly labels: readonly string[];
  /** What the steps ahead are called. */
  readonly ahead: readonly string[];
  readonly quantiles: Quantiles;
}

/** The place of a label on the axis: a time, or the number of a step. */
function placeOf(label: string): number {
  const time = timeOf(label);
  return Number.isNaN(time) ? Number(label) : time;
}

/** Draws series with their forecasts, one below the other, as SVG. */
export function panelChart(panels: readonly Panel[], palette: Palette = LIGHT): Promise<string> {
  const specs = panels.map(({ id, values, labels, ahead, quantiles }) => {
    const [past, future] = [labels.map(placeOf), ahead.map(placeOf)];
    // A bare number is a step, not the year of the same number.
    const isTime = !Number.isNaN(timeOf(ahead[0]!)) && !/^\d{1,3}$|^\d{5,}$/.test(ahead[0]!);
    const lines = [
      ...values.map((value, t) => ({ at: past[t], line: "actual", value })),
      ...Array.from(quantiles[MEDIAN]!, (value, h) => ({ at: future[h], line: "forecast", value })),
    ];
    const band = Array.from(quantiles[LOW]!, (low, h) => ({ at: future[h], low, high: quantiles[HIGH]![h]! }));
    const x = isTime
      ? { field: "at", type: "temporal", scale: { type: "utc" }, axis: { title: null, grid: false } }
      : { field: "at", type: "quantitative", scale: { zero: false }, axis: { title: "step", grid: false } };
    const y = { type: "quantitative", scale: { zero: false }, axis: { title: null } };
    return {
      title: id,
      width: CHART_WIDTH,
      height: 160,
      layer: [
        {
          data: { values: band },
          mark: { type: "area", opacity: 0.18, color: palette.forecast },
          encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" } },
        },
        {
          data: { values: lines },
          mark: { type: "line", strokeWidth: 1.5, point: ahead.length <= FEW_POINTS },
          encoding: {
            x,
            y: { ...y, field: "value" },
            color: {
              field: "line",
              type: "nominal",
              scale: { domain: ["actual", "forecast"], range: [palette.actual, palette.forecast] },
              legend: { symbolType: "stroke" },
            },
          },
        },
      ],
    };
  });
  return drawChart({ vconcat: specs }, palette);
}

/** Draws the last values and the forecasts of the first series as SVG. */
export function forecastChart({ series }: SeriesSet, forecasts: readonly Quantiles[]): Promise<string> {
  return panelChart(
    series.slice(0, MOST_SERIES).map((one, i) => {
      const horizon = forecasts[i]![MEDIAN]!.length;
      const steps = Math.max(HORIZONS * horizon, LEAST);
      return {
        id: one.id,
        values: [...one.values.subarray(-steps)],
        labels: one.labels().slice(-steps),
        ahead: one.next(horizon),
        quantiles: forecasts[i]!,
      };
    }),
  );
}

/** Draws how often the 95 % interval held the value, by steps ahead, as SVG. */
export function coverageChart(coverage: readonly number[], palette: Palette): Promise<string> {
  const values = coverage.map((share, h) => ({ step: h + 1, share }));
  const y = {
    type: "quantitative",
    scale: { domain: [Math.min(0.5, ...coverage), 1] },
    axis: { title: "inside", format: "%" },
  };
  return drawChart({
    width: CHART_WIDTH,
    height: 140,
    layer: [
      {
        data: { values },
        mark: { type: "line", strokeWidth: 1.5, color: palette.forecast, point: { color: palette.forecast } },
        encoding: {
          x: {
            field: "step",
            type: "quantitative",
            axis: { title: "steps ahead", grid: false, tickMinStep: 1, format: "d" },
          },
          y: { ...y, field: "share" },
        },
      },
      {
        data: { values: [{ share: 0.95 }] },
        mark: { type: "rule", color: palette.ink, strokeDash: [4, 3] },
        encoding: { y: { ...y, field: "share" } },
      },
    ],
  }, palette);
}
