import { type Calendar, calendarOf, dateLabel, MOST_DATES } from "./calendar.ts";
import { type DateUnit, DAY } from "./date_formats.ts";
import { type Frequency, unitName, weekday, weekdaysOf } from "./frequency.ts";
import { counted, failIn, type Note, note, warning } from "./table.ts";

/** How the holes of a regular grid are filled. */
export type Fill = "none" | "previous" | "linear";

/** Columns of numbers over dates. */
export interface Columns {
  /** Milliseconds in order of time. */
  readonly times: Float64Array;
  readonly values: readonly Float64Array[];
}

/** The dates that columns should have. */
interface Grid {
  readonly file: string;
  readonly frequency: Frequency;
  readonly calendar: Calendar;
  readonly unit: DateUnit;
}

/** A gap of more days than this in daily prices gives a warning. */
const LONG_GAP = 10;

/**
 * Names the gaps of a series, or fills them.
 *
 * @param fill "none" only names them.
 * @param options The most dates that may be filled in.
 * @throws {TableError} If the dates are irregular and are to be filled, or too many are missing.
 */
export function fillGaps(
  columns: Columns,
  grid: Grid,
  fill: Fill,
  { most = MOST_DATES }: { readonly most?: number } = {},
): Columns & { readonly notes: readonly Note[] } {
  const { file, frequency, calendar, unit } = grid;
  const { times } = columns;
  if (frequency.unit === "irregular") {
    if (fill !== "none") failIn(file)(`--fill ${fill} needs regular dates, got irregular ones; leave it out`);
    const said = warning(`${file}: the dates are irregular; steps are counted as if they were equal`);
    return { ...columns, notes: times.length > 2 ? [said] : [] };
  }
  if (fill === "none") return { ...columns, notes: gapNotes(times, grid) };
  const missing = frequency.unit === "business day" ? missingWeekdays(times) : calendar.missing(most);
  if (missing.length === 0) return { ...columns, notes: [] };
  if (missing.length > most) {
    const [from, to] = [times[0]!, times.at(-1)!].map((time) => dateLabel(time, unit));
    const limit = MOST_DATES.toLocaleString("en");
    failIn(file)(
      `at most ${limit} dates may be missing, got more up to those between ${from} and ${to}; remove the rows that are ` +
        "far from the others, or correct their dates",
    );
  }
  const how = fill === "linear" ? "on a line between their neighbours" : "with the value before";
  const first = dateLabel(missing[0]!, unit);
  return {
    ...onGrid(columns, missing, fill),
    notes: [note(`${counted(missing.length, "missing date")} filled ${how}, the first is ${first}`)],
  };
}

/** Columns with values on missing dates too. */
function onGrid({ times, values }: Columns, missing: readonly number[], fill: "previous" | "linear"): Columns {
  const rows = new Map<number, number | undefined>(missing.map((time) => [time, undefined]));
  times.forEach((time, row) => rows.set(time, row));
  const all = Float64Array.from(rows.keys()).sort();
  const filled = values.map(() => new Float64Array(all.length));
  let before = 0;
  all.forEach((time, at) => {
    const own = rows.get(time);
    before = own ?? before;
    const [from, to] = [times[before]!, times[before + 1]!];
    const share = own === undefined && fill === "linear" ? (time - from) / (to - from) : 0;
    filled.forEach((column, i) => {
      const value = values[i]![before]!;
      column[at] = share === 0 ? value : value + share * (values[i]![before + 1]! - value);
    });
  });
  return { times: all, values: filled };
}

/** Weekdays without a row, holidays too: a regular grid has them all. */
function missingWeekdays(times: Float64Array): number[] {
  const open = weekdaysOf(times);
  const everyDay = calendarOf(times, { unit: "day", every: 1, gaps: 0 }, "day");
  return everyDay.missing().filter((time) => open.has(weekday(time)));
}

function gapNotes(times: Float64Array, { file, frequency, calendar, unit }: Grid): Note[] {
  const label = (ms: number) => dateLabel(ms, unit);
  if (frequency.unit === "business day") {
    const gaps = Array.from(times, (time, i) => ({ days: i === 0 ? 0 : (time - times[i - 1]!) / DAY, i }))
      .filter(({ days }) => days > LONG_GAP);
    if (gaps.length === 0) return [];
    const { i } = gaps.reduce((best, one) => one.days > best.days ? one : best);
    const count = gaps.length === 1 ? "is a gap" : `are ${gaps.length} gaps`;
    return [warning(
      `${file}: there ${count} of more than ${LONG_GAP} days, the longest from ${label(times[i - 1]!)} to ` +
        `${label(times[i]!)}; returns across one count as those of a day; --fill previous or linear fills it`,
    )];
  }
  const missing = frequency.gaps === 0 ? [] : calendar.missing();
  // Nights and weekends are no gaps of bars.
  if (missing.length === 0 || (unit === "time" && missing.length > times.length / 20)) return [];
  const count = counted(missing.length, unitName(frequency));
  return [warning(
    `${file}: ${count} missing, the first is ${label(missing[0]!)}; the rows beside count as neighbours; ` +
      "--fill previous or linear fills them",
  )];
}
