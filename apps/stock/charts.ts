import { CHART_WIDTH as WIDTH, drawChart, FEW_POINTS as FEW, LIGHT, type Palette, thinned } from "../shared/charts.ts";
import type { Outlook } from "./forecaster.ts";
import { type Judgement, MODEL, type TestDays } from "./judge.ts";
import type { TargetName } from "./targets.ts";

/** How many of the last days are shown close up, so that the two lines can be told apart. */
const CLOSE_UP = 60;
const [HAPPENED, FORECAST] = ["what happened", "forecast before"];

const TIME = {
  field: "date",
  type: "temporal",
  scale: { type: "utc" },
  axis: { title: null, grid: false, labelFlush: false },
} as const;

function unitOf(target: TargetName): string {
  return target === "price" ? "close" : target === "volatility" ? "% a year" : "probability";
}

/** The days that come after, holidays aside; weekends count where prices have them. */
export function daysAfter(dates: readonly string[], count: number): string[] {
  const day = new Date(`${dates.at(-1)}T00:00:00Z`);
  const isWeekend = (date: Date) => date.getUTCDay() % 6 === 0;
  const everyDay = dates.slice(-30).some((date) => isWeekend(new Date(`${date}T00:00:00Z`)));
  return Array.from({ length: count }, () => {
    do day.setUTCDate(day.getUTCDate() + 1); while (!everyDay && isWeekend(day));
    return day.toISOString().slice(0, 10);
  });
}

/** One panel: what happened, what was forecast, and the interval around it. */
function panel(test: TestDays, days: readonly number[], title: string, height: number, options: {
  readonly palette: Palette;
  readonly unit: string;
  /** Whether what happened goes along a line. */
  readonly isLine: boolean;
  readonly next?: Outlook | undefined;
}) {
  const { palette, unit, isLine, next } = options;
  const { dates, actual, forecasts, interval } = test;
  const lines = [
    ...days.map((i) => ({ date: dates[i], line: HAPPENED, value: actual[i] })),
    ...days.map((i) => ({ date: dates[i], line: FORECAST, value: forecasts[MODEL]![i] })),
  ];
  const band = interval === undefined
    ? []
    : days.map((i) => ({ date: dates[i], low: interval.low[i], high: interval.high[i] }));
  const ahead = next === undefined ? [] : daysAfter(dates, next.steps.length);
  next?.steps.forEach(({ value, interval }, i) => {
    lines.push({ date: ahead[i], line: FORECAST, value });
    if (interval) band.push({ date: ahead[i], low: interval.low, high: interval.high });
  });
  const axis = { title: unit };
  const drawn = (line: string, type: "line" | "tick") => ({
    data: { values: lines.filter((one) => one.line === line) },
    mark: type === "line"
      ? { type, strokeWidth: 1.5, point: days.length <= FEW }
      : { type, orient: "vertical", size: 12, thickness: 1.5 },
    encoding: {
      x: TIME,
      y: { field: "value", type: "quantitative", scale: { zero: false }, axis },
      color: {
        field: "line",
        type: "nominal",
        scale: { domain: [HAPPENED, FORECAST], range: [palette.actual, palette.forecast] },
      },
    },
  });
  return {
    title,
    width: WIDTH,
    height,
    layer: [
      ...(band.length === 0 ? [] : [{
        data: { values: band },
        mark: { type: "area", opacity: 0.18, color: palette.forecast, line: false },
        encoding: {
          x: TIME,
          y: { field: "low", type: "quantitative", scale: { zero: false }, axis },
          y2: { field: "high" },
        },
      }]),
      drawn(HAPPENED, isLine ? "line" : "tick"),
      drawn(FORECAST, "line"),
      ...(ahead.length === 0 ? [] : [{
        data: { values: lines.slice(-ahead.length) },
        mark: { type: "point", filled: true, size: 28, color: palette.forecast },
        encoding: { x: TIME, y: { field: "value", type: "quantitative" } },
      }]),
    ],
  };
}

/**
 * Draws the test period: all of it above, its last days below, and there what comes next.
 *
 * @param title What is shown.
 */
export function forecastChart(
  test: TestDays,
  { target, next, title, palette = LIGHT }: { target: TargetName; next?: Outlook; title?: string; palette?: Palette },
): Promise<string> {
  const all = test.dates.map((_, i) => i);
  const options = { palette, unit: unitOf(target), isLine: target !== "direction" };
  const panels = [panel(test, thinned(all), "the whole test period", 260, options)];
  if (all.length > CLOSE_UP) {
    const isPath = target === "price";
    panels.push(
      panel(test, all.slice(-CLOSE_UP), `its last ${CLOSE_UP} days${isPath ? ", and what comes next" : ""}`, 220, {
        ...options,
        ...(isPath && { next }),
      }),
    );
  }
  return drawChart({ ...(title && { title: { text: title, fontSize: 16 } }), vconcat: panels }, palette);
}

/** The price on the days that forecasts were made on. */
export function priceChart({ made, before }: TestDays, palette: Palette): Promise<string> {
  return drawChart({
    width: WIDTH,
    height: 180,
    data: { values: thinned(made.map((date, i) => ({ date, value: before[i] }))) },
    mark: { type: "line", color: palette.actual, strokeWidth: 1.5 },
    encoding: {
      x: TIME,
      y: { field: "value", type: "quantitative", scale: { zero: false }, axis: { title: "close" } },
    },
  }, palette);
}

/** A value a day. */
type DayValue = Readonly<{ date: string; value: number }>;

/** The daily log returns, in percent, up to the last day that a forecast was made on. */
export function returnsOf({ made, before }: Pick<TestDays, "made" | "before">): DayValue[] {
  return made.slice(1).map((date, i) => ({ date, value: 100 * Math.log(before[i + 1]! / before[i]!) }));
}

/** By how much the squared errors of a forecast are larger than the model's, all up to each day together. */
export function advantageOver({ dates, actual, forecasts }: TestDays, name: string): DayValue[] {
  let value = 0;
  return dates.map((date, i) => {
    value += (forecasts[name]![i]! - actual[i]!) ** 2 - (forecasts[MODEL]![i]! - actual[i]!) ** 2;
    return { date, value };
  });
}

/** The daily log returns of the test period. */
export function returnsChart(test: TestDays, palette: Palette): Promise<string> {
  const values = returnsOf(test);
  return drawChart({
    width: WIDTH,
    height: 140,
    data: { values: thinned(values) },
    mark: { type: "rule", color: palette.actual, strokeWidth: 1 },
    encoding: {
      x: TIME,
      y: { field: "value", type: "quantitative", axis: { title: "log return, %" } },
      y2: { datum: 0 },
    },
  }, palette);
}

/**
 * The errors over time: above the model's, below by how much the squared errors of the reference, and of the best other
 * baseline, are together larger than the model's up to each day (Goyal and Welch, 2008): where a line rises, the model
 * is better.
 */
export function errorChart(
  test: TestDays,
  { scores, labels }: Pick<Judgement, "scores"> & { labels: Readonly<Record<string, string>> },
  palette: Palette,
): Promise<string> {
  const { dates, actual, forecasts } = test;
  const values = thinned(dates.map((date, i) => ({ date, value: forecasts[MODEL]![i]! - actual[i]! })));
  const [, reference = "", ...others] = Object.keys(scores);
  const best = others.toSorted((a, b) => scores[a]!.mse - scores[b]!.mse).slice(0, 1);
  const advantage = [reference, ...best].flatMap((name) =>
    thinned(advantageOver(test, name)).map((day) => ({ ...day, line: labels[name]! }))
  );
  return drawChart({
    resolve: { legend: { color: "independent" } },
    vconcat: [
      {
        title: "the model's errors, forecast − what happened",
        width: WIDTH,
        height: 140,
        data: { values },
        mark: { type: "rule", color: palette.forecast, strokeWidth: 1 },
        encoding: {
          x: TIME,
          y: { field: "value", type: "quantitative", axis: { title: "error" } },
          y2: { datum: 0 },
        },
      },
      {
        title: "where a line rises, the model is better: squared errors less the model's, added up",
        width: WIDTH,
        height: 200,
        layer: [
          { mark: { type: "rule", color: palette.ink, strokeWidth: 0.5 }, encoding: { y: { datum: 0 } } },
          {
            data: { values: advantage },
            mark: { type: "line", strokeWidth: 1.5 },
            encoding: {
              x: TIME,
              y: { field: "value", type: "quantitative", axis: { title: "advantage", format: "~s" } },
              color: {
                field: "line",
                type: "nominal",
                scale: {
                  domain: [reference, ...best].map((name) => labels[name]!),
                  range: [palette.other, palette.actual],
                },
              },
            },
          },
        ],
      },
    ],
  }, palette);
}

/** The gradient lens: the norm of the loss's gradient at the state of each day of a window. */
export function gradientChart(norms: readonly number[], palette: Palette): Promise<string> {
  const values = norms.map((norm, i) => ({ day: i - norms.length + 1, norm }));
  const positive = values.filter(({ norm }) => norm > 0);
  return drawChart({
    width: WIDTH,
    height: 160,
    data: { values: positive },
    mark: { type: "line", point: true, color: palette.other, strokeWidth: 1.5 },
    encoding: {
      x: { field: "day", type: "quantitative", axis: { title: "day of the window, the last is 0", grid: false } },
      y: {
        field: "norm",
        type: "quantitative",
        scale: { type: "log" },
        axis: { title: "norm", format: "~e", tickCount: 4 },
      },
    },
  }, palette);
}
