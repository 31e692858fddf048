// @ts-types="@types/d3-dsv"
import { csvFormatRows, csvParse } from "d3-dsv";
import type { OptimizerOption } from "../shared/optimizers.ts";
import { listed, printable, quoted } from "../shared/printable.ts";
import {
  count,
  epochs,
  finite,
  fraction,
  listOf,
  notNegative,
  oneOf,
  optional,
  recordOf,
  score,
  type Shape,
  size,
  text,
} from "../shared/shapes.ts";
import { MODELS, type Outlook } from "./forecaster.ts";
import { DIRECTION, JUDGED, MODEL, type TestDays } from "./judge.ts";
import type { Prices } from "./prices.ts";
import { DATE, placeOf, RHYTHM } from "./rhythm.ts";
import { TARGET_NAMES } from "./targets.ts";
import type { TrainResult, TrainSettings } from "./train.ts";

/** The saved settings of a run. */
export interface Chosen extends TrainSettings {
  readonly optimizer: string;
  readonly optimizerOption: Readonly<Record<string, OptimizerOption>>;
}

/** The result of `train`: `metrics.json`, and stdout with `--json`. */
export type Summary = ReturnType<typeof summaryOf>;

/** Summarises a training run. */
export function summaryOf(prices: Prices, settings: Chosen, result: TrainResult) {
  const { test, labels, scores, direction, held, bestEpoch, validationLoss, history, gradientFlow, split, forecaster } =
    result;
  const count = ({ from, to }: { from: number; to: number }) => to - from;
  return {
    data: {
      source: prices.file,
      rows: prices.dates.length,
      from: prices.dates[0]!,
      to: prices.dates.at(-1)!,
      rhythm: prices.rhythm,
      notes: prices.notes,
    },
    settings,
    windows: { train: count(split.train), validation: count(split.validation), test: count(split.test) },
    test: { from: test.dates[0]!, to: test.dates.at(-1)! },
    bestEpoch,
    validationLoss,
    labels: { [MODEL]: `${settings.model} (epoch ${bestEpoch})`, ...labels } as Readonly<Record<string, string>>,
    scores,
    direction,
    interval: forecaster.interval && { ...forecaster.interval, held: held! },
    next: forecaster.next(prices),
    history,
    gradientFlow,
  };
}

const SETTINGS = recordOf({ target: oneOf(TARGET_NAMES), horizon: size, model: oneOf(MODELS) });
const OUTLOOK = recordOf({
  target: oneOf(TARGET_NAMES),
  horizon: size,
  rhythm: RHYTHM,
  after: DATE,
  close: finite,
  steps: listOf(recordOf({
    ahead: size,
    date: DATE,
    value: finite,
    interval: optional(recordOf({ coverage: fraction, low: finite, high: finite })),
  })),
});
const PARTS = recordOf({
  data: recordOf({
    source: text,
    rows: size,
    from: DATE,
    to: DATE,
    rhythm: RHYTHM,
    notes: listOf(recordOf({ level: oneOf(["note", "warning"]), text })),
  }),
  settings: SETTINGS,
  windows: recordOf({ train: size, validation: size, test: size }),
  test: recordOf({ from: DATE, to: DATE }),
  bestEpoch: count,
  validationLoss: score,
  labels: recordOf({ [MODEL]: text }),
  direction: optional(DIRECTION),
  interval: optional(recordOf({ coverage: fraction, radii: listOf(notNegative), held: fraction })),
  next: OUTLOOK,
  history: epochs,
  gradientFlow: optional(listOf(finite)),
});

/** A summary in a file. */
export const SUMMARY: Shape = (value, name) => PARTS(value, name) ?? JUDGED(value, name);

/** The columns before the forecasts; `low` and `high` are the ends of the model's interval. */
const FIXED = ["made", "date", "close", "actual", "low", "high"] as const;

/**
 * A test part as CSV: for each day the date on which the forecast was made, the date that was forecast, the close on the
 * former, the actual value, the interval, and all forecasts.
 */
export function encodeForecasts({ made, dates, before, actual, interval, forecasts }: TestDays): string {
  const names = Object.keys(forecasts);
  const ends = (i: number) => [interval?.low[i], interval?.high[i]];
  const rows = dates.map((date, i) =>
    [made[i], date, before[i], actual[i], ...ends(i), ...names.map((name) => forecasts[name]![i])].map((cell) =>
      cell === undefined ? "" : String(cell)
    )
  );
  return `${csvFormatRows([[...FIXED, ...names], ...rows])}\n`;
}

/** A forecast as CSV: a row for each step ahead with its date. */
export function encodeOutlook({ steps }: Outlook): string {
  const rows = steps.map(({ date, value, interval }) =>
    [date, value, interval?.low ?? "", interval?.high ?? ""].map(String)
  );
  return `${csvFormatRows([["date", "forecast", "low", "high"], ...rows])}\n`;
}

/**
 * Reads what {@linkcode encodeForecasts} wrote.
 *
 * @param file The file's name, for messages.
 * @throws {TypeError} If it is not such a file, or a cell is not a number or a date.
 */
export function decodeForecasts(text: string, file: string): TestDays {
  const rows = csvParse(text);
  const missing = FIXED.filter((name) => !rows.columns.includes(name));
  const names = rows.columns.filter((name) => !(FIXED as readonly string[]).includes(name));
  const numbers = (name: string) =>
    rows.map((row, i) => {
      const value = Number(row[name] || NaN);
      if (Number.isFinite(value)) return value;
      throw new TypeError(
        `Cannot read ${file}: line ${i + 2}, column ${printable(name)}: it must be a number, got ${quoted(row[name])}`,
      );
    });
  if (missing.length > 0 || names.length < 2 || rows.length === 0) {
    throw new TypeError(
      `Cannot read ${file}: it must have rows with ${FIXED.join(", ")} and the forecasts, ` +
        `got ${rows.length} rows with ${listed(rows.columns)}`,
    );
  }
  const days = (name: "made" | "date") =>
    rows.map((row, i) => {
      if (row[name]! !== "" && !Number.isNaN(placeOf(row[name]!))) return row[name]!;
      throw new TypeError(
        `Cannot read ${file}: line ${i + 2}, column ${name}: it must be a date, got ${quoted(row[name])}`,
      );
    });
  const hasInterval = rows[0]!.low !== "";
  return {
    dates: days("date"),
    made: days("made"),
    before: numbers("close"),
    actual: numbers("actual"),
    forecasts: Object.fromEntries(names.map((name) => [name, numbers(name)])),
    ...(hasInterval && { interval: { low: numbers("low"), high: numbers("high") } }),
  };
}
