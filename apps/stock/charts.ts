import { CHART_WIDTH as WIDTH, drawChart, FEW_POINTS as FEW, LIGHT, type Palette, thinned } from "../shared/charts.ts";
import type { Outlook } from "./forecaster.ts";
import { type Judgement, MODEL, type TestDays } from "./judge.ts";
import type { TargetName } from "./targets.ts";

/** The number of last days in the enlarged panel, where the two lines can be distinguished. */
const CLOSE_UP = 60;
const [ACTUAL, FORECAST] = ["actual", "forecast"];

/** From this number of days, the labels of a time axis are months and years; below it, days. */
const LONG = 400;

/** The time axis of a chart of these days. */
function timeAxis(dates: readonly string[]) {
  const days = (Date.parse(dates.at(-1)!) - Date.parse(dates[0]!)) / 86_400_000;
  return {
    field: "date",
    type: "temporal",
    scale: { type: "utc" },
    axis: { title: null, grid: false, labelFlush: false, ...(days >= LONG && { format: "%b %Y" }) },
  } as const;
}

function unitOf(target: TargetName): string {
  return target === "price" ? "close" : target === "volatility" ? "% a year" : "probability of a rise";
}

/** The days after the last one, ignoring holidays. Weekends are skipped unless the prices include some. */
export function daysAfter(dates: readonly string[], count: number): string[] {
  const day = new Date(`${dates.at(-1)}T00:00:00Z`);
  const isWeekend = (date: Date) => date.getUTCDay() % 6 === 0;
  const everyDay = dates.slice(-30).some((date) => isWeekend(new Date(`${date}T00:00:00Z`)));
  return Array.from({ length: count }, () => {
    do day.setUTCDate(day.getUTCDate() + 1); while (!everyDay && isWeekend(day));
    return day.toISOString().slice(0, 10);
  });
}

/** One panel: the actual values, the forecasts and their interval. */
function panel(test: TestDays, days: readonly number[], title: string, height: number, options: {
  readonly palette: Palette;
  readonly unit: string;
  /** Whether to draw the actual values as a line, not as ticks. */
  readonly isLine: boolean;
  readonly next?: Outlook | undefined;
}) {
  const { palette, unit, isLine, next } = options;
  const { dates, actual, forecasts, interval } = test;
  const x = timeAxis(days.map((day) => dates[day]!));
  const lines = [
    ...days.map((i) => ({ date: dates[i], line: ACTUAL, value: actual[i] })),
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
      x,
      y: { field: "value", type: "quantitative", scale: { zero: false }, axis },
      color: {
        field: "line",
        type: "nominal",
        scale: { domain: [ACTUAL, FORECAST], range: [palette.actual, palette.forecast] },
        legend: { symbolType: "stroke" },
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
          x,
          y: { field: "low", type: "quantitative", scale: { zero: false }, axis },
          y2: { field: "high" },
        },
      }]),
      drawn(ACTUAL, isLine ? "line" : "tick"),
      drawn(FORECAST, "line"),
      ...(ahead.length === 0 ? [] : [{
        data: { values: lines.slice(-ahead.length) },
        mark: { type: "point", filled: true, size: 28, color: palette.forecast },
        encoding: { x, y: { field: "value", type: "quantitative" } },
      }]),
    ],
  };
}

/** Draws the whole test part in one panel, its last days in a second one, there with the forecast of the next days. */
export function forecastChart(
  test: TestDays,
  { target, next, title, palette = LIGHT }: { target: TargetName; next?: Outlook; title?: string; palette?: Palette },
): Promise<string> {
  const all = test.dates.map((_, i) => i);
  const options = { palette, unit: unitOf(target), isLine: target !== "direction" };
  const panels = [panel(test, thinned(all), "Test part", 260, options)];
  if (all.length > CLOSE_UP) {
    const isPath = target === "price";
    panels.push(
      panel(test, all.slice(-CLOSE_UP), `Last ${CLOSE_UP} days${isPath ? " and forecast" : ""}`, 220, {
        ...options,
        ...(isPath && { next }),
      }),
    );
  }
  return drawChart({ ...(title && { title: { text: title, fontSize: 16, offset: 14 } }), vconcat: panels }, palette);
}

/** The price on the days on which forecasts were made. */
export function priceChart({ made, before }: TestDays, palette: Palette): Promise<string> {
  return drawChart({
    width: WIDTH,
    height: 180,
    data: { values: thinned(made.map((date, i) => ({ date, value: before[i] }))) },
    mark: { type: "line", color: palette.actual, strokeWidth: 1.5 },
    encoding: {
      x: timeAxis(made),
      y: { field: "value", type: "quantitative", scale: { zero: false }, axis: { title: "close" } },
    },
  }, palette);
}

/** A day and its value. */
type DayValue = Readonly<{ date: string; value: number }>;

/** The daily log returns in percent, up to the last day on which a forecast was made. */
export function returnsOf({ made, before }: Pick<TestDays, "made" | "before">): DayValue[] {
  return made.slice(1).map((date, i) => ({ date, value: 100 * Math.log(before[i + 1]! / before[i]!) }));
}

/** The cumulative difference between a baseline's squared errors and the model's. */
export function advantageOver({ dates, actual, forecasts }: TestDays, name: string): DayValue[] {
  let value = 0;
  return dates.map((date, i) => {
    value += (forecasts[name]![i]! - actual[i]!) ** 2 - (forecasts[MODEL]![i]! - actual[i]!) ** 2;
    return { date, value };
  });
}

/** The daily log returns of the test part. */
export function returnsChart(test: TestDays, palette: Palette): Promise<string> {
  const values = returnsOf(test);
  return drawChart({
    width: WIDTH,
    height: 140,
    data: { values: thinned(values) },
    mark: { type: "rule", color: palette.actual, strokeWidth: 1 },
    encoding: {
      x: timeAxis(test.made),
      y: { field: "value", type: "quantitative", axis: { title: "log return, %" } },
      y2: { datum: 0 },
    },
  }, palette);
}

/**
 * The errors over time. Above: the model's errors. Below: the cumulative squared errors of the reference and of the best
 * other baseline minus the model's (Goyal and Welch, 2008). Where a line rises, the model is better.
 */
export function errorChart(
  test: TestDays,
  { scores, labels }: Pick<Judgement, "scores"> & { labels: Readonly<Record<string, string>> },
  palette: Palette,
): Promise<string> {
  const { dates, actual, forecasts } = test;
  const x = timeAxis(dates);
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
        title: "Errors of the model: forecast − actual",
        width: WIDTH,
        height: 140,
        data: { values },
        mark: { type: "rule", color: palette.forecast, strokeWidth: 1 },
        encoding: {
          x,
          y: { field: "value", type: "quantitative", axis: { title: "error" } },
          y2: { datum: 0 },
        },
      },
      {
        title: "Cumulative squared error: baseline − model",
        width: WIDTH,
        height: 200,
        layer: [
          { mark: { type: "rule", color: palette.ink, strokeWidth: 0.5 }, encoding: { y: { datum: 0 } } },
          {
            data: { values: advantage },
            mark: { type: "line", strokeWidth: 1.5 },
            encoding: {
              x,
              y: { field: "value", type: "quantitative", axis: { title: "difference", format: "~s" } },
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

/** The norm of the loss's gradient with respect to the state on each day of a window. */
export function gradientChart(norms: readonly number[], palette: Palette): Promise<string> {
  const values = norms.map((norm, i) => ({ day: i - norms.length + 1, norm }));
  const positive = values.filter(({ norm }) => norm > 0);
  return drawChart({
    width: WIDTH,
    height: 160,
    data: { values: positive },
    mark: { type: "line", point: true, color: palette.other, strokeWidth: 1.5 },
    encoding: {
      x: { field: "day", type: "quantitative", axis: { title: "day of the window (0 is the last)", grid: false } },
      y: {
        field: "norm",
        type: "quantitative",
        scale: { type: "log" },
        axis: { title: "gradient norm", format: "~e", tickCount: 4 },
      },
    },
  }, palette);
}
