import { printable, quoted } from "../../shared/printable.ts";
import { calendarOf, dateLabel, MOST_DATES } from "../../shared/tables/calendar.ts";
import { type DateUnit, DAY } from "../../shared/tables/date_formats.ts";
import { type Frequency, frequencyOf, weekday, weekdaysOf } from "../../shared/tables/frequency.ts";
import { counted, failIn, type Note, note, warning } from "../../shared/tables/table.ts";
import { type Draft, longestOf, type OneSeries } from "./draft.ts";

/** What is put where a series has no value: a line between the neighbours, 0, or the value before. */
export const FILLS = ["line", "zero", "previous"] as const;
export type FillName = (typeof FILLS)[number];

/** Series that notes name. */
const NAMED = 3;
/** Series that are asked how often they have a value. */
const ASKED = 50;
/** A longer gap than all values of a series together is an error, from this number of steps on. */
const LONG_GAP = 100;
/** Sums of squares of larger values overflow. */
const LARGEST = 1e100;
/** The share of filled steps that is worth a warning. */
const MANY = 0.2;

/** An id is a name, not a text: it goes into the model file and into every row of the forecasts. */
const LONGEST_ID = 200;

/** @throws {TableError} If an id is not a name, or the name of two series. */
function checkIds(file: string, drafts: readonly Draft[]): void {
  const seen = new Set<string>();
  const fail = failIn(file);
  for (const { id } of drafts) {
    const shown = quoted(id);
    if (id.length > LONGEST_ID) {
      fail(
        `the id of a series must have at most ${LONGEST_ID} characters, got ${shown}; shorten it, or name the column of ` +
          "the ids by --series-column",
      );
    }
    if (seen.has(id)) {
      fail(
        `each series must have a unique id, got ${shown} twice; rename one, or pick one by its position with ` +
          "--column",
      );
    }
    seen.add(id);
  }
}

/** Ids in a note, with the number of others. */
function naming(ids: readonly string[]): string {
  const named = ids.slice(0, NAMED).map((id) => printable(id, 40)).join(", ");
  return ids.length > NAMED ? `${named} and ${ids.length - NAMED} more` : named;
}

/** How steps follow one another in a set of series. */
export interface Grid {
  readonly unit: DateUnit | "step";
  readonly frequency: Frequency;
  /** The step after another. */
  readonly after: (time: number) => number;
  /** Steps that are missing between two. */
  readonly between: (from: number, to: number) => number[];
}

/** How often series have a value: as most of them do. */
export function usualFrequency(drafts: readonly Draft[], unit: DateUnit | "step"): Frequency {
  if (unit === "step") return { unit, every: 1, gaps: 0 };
  const longest = drafts.toSorted((a, b) => b.times.length - a.times.length).slice(0, ASKED);
  const counts = new Map<string, { frequency: Frequency; count: number }>();
  for (const { times } of longest) {
    const frequency = frequencyOf(times, unit);
    const key = `${frequency.every} ${frequency.unit}`;
    const known = counts.get(key);
    // Two dates name a unit without a step.
    const weight = times.length < 3 ? 0.01 : 1;
    if (known === undefined) counts.set(key, { frequency, count: weight });
    else known.count += weight;
  }
  return [...counts.values()].reduce((best, one) => one.count > best.count ? one : best).frequency;
}

/** The grid of series: the steps that the longest of them suggests. */
export function gridOf(drafts: readonly Draft[], unit: DateUnit | "step", frequency: Frequency): Grid {
  if (unit === "step") return { unit, frequency, after: (time) => time + 1, between: () => [] };
  const { times } = longestOf(drafts);
  if (frequency.unit === "business day") {
    // Holidays are steps too: so a weekday keeps its place in the week.
    const open = weekdaysOf(times);
    const after = (time: number) => {
      let day = time + DAY;
      while (!open.has(weekday(day))) day += DAY;
      return day;
    };
    const between = (from: number, to: number) => {
      const days: number[] = [];
      for (let day = after(from); day < to; day = after(day)) days.push(day);
      return days;
    };
    return { unit, frequency, after, between };
  }
  const { after, between } = calendarOf(times, frequency, unit);
  return { unit, frequency, after, between: frequency.unit === "irregular" ? () => [] : between };
}

/** A series with the times of its values. */
class StoredSeries implements OneSeries {
  constructor(
    readonly id: string,
    readonly values: Float64Array,
    readonly times: Float64Array,
    readonly grid: Grid,
  ) {}

  get from(): string {
    return this.#label(this.times[0]!);
  }

  get to(): string {
    return this.#label(this.times.at(-1)!);
  }

  next(count: number): string[] {
    const labels: string[] = [];
    for (let i = 0, time = this.times.at(-1)!; i < count; i++) labels.push(this.#label(time = this.grid.after(time)));
    return labels;
  }

  labels(): string[] {
    return Array.from(this.times, (time) => this.#label(time));
  }

  #label(time: number): string {
    const { unit } = this.grid;
    return unit === "step" ? String(time) : dateLabel(time, unit);
  }
}

/**
 * Makes series of drafts: leaves out what is missing at their ends and zeros before a first sale, and fills the gaps.
 *
 * @throws {TableError} If no series has a value, or one has a gap that is no gap.
 */
export function assemble(
  drafts: readonly Draft[],
  grid: Grid,
  { file, fill = "line" }: { readonly file: string; readonly fill?: FillName | undefined },
): { readonly series: readonly OneSeries[]; readonly notes: readonly Note[] } {
  checkIds(file, drafts);
  const counts = { dates: 0, values: 0, zeros: 0, steps: 0 };
  const [empty, still, ended]: [string[], string[], string[]] = [[], [], []];
  const last = drafts.reduce((most, { times }) => Math.max(most, times.at(-1) ?? -Infinity), -Infinity);
  const series = drafts.flatMap((draft) => {
    const trimmed = trim(draft);
    if (trimmed === undefined) {
      empty.push(draft.id);
      return [];
    }
    counts.zeros += trimmed.zeros;
    const made = new StoredSeries(draft.id, ...onGrid(trimmed, draft.id), grid);
    const { values, times } = made;
    const large = values.find((value) => Math.abs(value) > LARGEST);
    if (large !== undefined) {
      failIn(file)(
        `the series ${
          quoted(draft.id)
        } must have values of at most ${LARGEST}, got ${large}; write it in a larger unit`,
      );
    }
    counts.steps += values.length;
    if (values.every((value) => value === values[0])) still.push(draft.id);
    if (times.at(-1)! < last) ended.push(draft.id);
    return [made];
  });
  if (series.length === 0) failIn(file)("it must have a series with values, got only missing ones");
  return { series, notes: notes() };

  /** The values of all steps of a series. */
  function onGrid({ times, values }: Draft, id: string): [values: Float64Array, times: Float64Array] {
    counts.values += values.reduce((count, value) => count + Number(Number.isNaN(value)), 0);
    const all: number[] = [];
    const own: number[] = [];
    for (let i = 0; i < times.length; i++) {
      const missing = i === 0 ? [] : grid.between(times[i - 1]!, times[i]!);
      if (fill !== "zero" && missing.length > Math.max(LONG_GAP, times.length)) {
        failIn(file)(
          `the series ${quoted(id)} must not have a gap longer than itself, got no value for ` +
            `${missing.length.toLocaleString("en")} steps between ${dateLabel(times[i - 1]!, grid.unit as DateUnit)} ` +
            `and ${
              dateLabel(times[i]!, grid.unit as DateUnit)
            }; correct the dates, remove the rows on one side, or add ` +
            "--fill zero if a missing date means 0",
        );
      }
      addDates(missing.length, id);
      for (const time of missing) {
        all.push(time);
        own.push(NaN);
      }
      all.push(times[i]!);
      own.push(values[i]!);
    }
    const filled = Float64Array.from(own);
    fillIn(filled, fill);
    if (fill !== "zero") return [filled, Float64Array.from(all)];
    // Without a sale there is no row at the end either.
    const after = grid.unit === "step" ? [] : grid.between(times.at(-1)!, grid.after(last));
    addDates(after.length, id);
    return [Float64Array.from([...filled, ...after.map(() => 0)]), Float64Array.from([...all, ...after])];
  }

  /** Counts dates before they are filled in. */
  function addDates(count: number, id: string): void {
    counts.dates += count;
    if (counts.dates <= MOST_DATES) return;
    const [limit, shown] = [MOST_DATES.toLocaleString("en"), quoted(id)];
    failIn(file)(
      `at most ${limit} dates of all series may be missing, got more up to the series ${shown}; remove the rows that are ` +
        "far from the others, or correct their dates",
    );
  }

  function notes(): Note[] {
    const found: Note[] = [];
    const how = { line: "on a line between its neighbours", zero: "with 0", previous: "with the value before" }[fill];
    const filled = (count: number, what: string) =>
      found.push(note(`${counted(count, what)} filled ${count === 1 ? how : how.replace("its", "their")}`));
    if (counts.dates > 0) filled(counts.dates, "missing date");
    if (counts.values > 0) filled(counts.values, "missing value");
    if (fill === "line" && counts.dates + counts.values > MANY * counts.steps) {
      found.push(warning(
        `${
          Math.round(100 * (counts.dates + counts.values) / counts.steps)
        } % of the steps have no value in the file; ` +
          "add --fill zero if that means 0, such as a day without a sale",
      ));
    }
    if (counts.zeros > 0) found.push(note(`${counted(counts.zeros, "zero")} before the first sale or event left out`));
    if (empty.length > 0) {
      const what = empty.length === 1 ? "a series" : `${empty.length} series`;
      found.push(warning(`${what} without any value left out: ${naming(empty)}`));
    }
    if (still.length > 0) {
      const what = still.length === 1 ? "a series never changes" : `${still.length} series never change`;
      found.push(note(`${what}, so the forecast is its only value: ${naming(still)}`));
    }
    if (ended.length > 0 && grid.unit !== "step") {
      const what = ended.length === 1 ? "a series ends" : `${ended.length} series end`;
      found.push(note(`${what} before the others, and its forecast begins there: ${naming(ended)}`));
    }
    if (grid.frequency.unit === "irregular") {
      found.push(warning(
        `${file}: the dates are irregular, and steps are counted as if they were equal; --every day --aggregate sum, or ` +
          "mean, makes them so",
      ));
    }
    return found;
  }
}

/** A series from its first to its last value; undefined if it has none. */
function trim({ id, times, values }: Draft): Draft & { readonly zeros: number } | undefined {
  const isThere = (value: number) => !Number.isNaN(value);
  let first = values.findIndex(isThere);
  if (first < 0) return undefined;
  const end = values.findLastIndex(isThere) + 1;
  const start = first;
  const isNegative = values.some((value) => value < 0);
  const event = values.findIndex((value) => value > 0);
  if (!isNegative && event > first + 1) first = event;
  return { id, times: times.slice(first, end), values: values.slice(first, end), zeros: first - start };
}

/** Fills missing values between others, in place. */
function fillIn(values: Float64Array, fill: FillName): void {
  let before = 0;
  for (let t = 1; t < values.length; t++) {
    if (Number.isNaN(values[t]!)) continue;
    for (let gap = before + 1; gap < t; gap++) {
      values[gap] = fill === "zero"
        ? 0
        : fill === "previous"
        ? values[before]!
        : values[before]! + (values[t]! - values[before]!) * (gap - before) / (t - before);
    }
    before = t;
  }
}
