import { listed, printable, quoted } from "../../shared/printable.ts";
import { dateLabel } from "../../shared/tables/calendar.ts";
import { shellWord } from "../../shared/shell.ts";
import { isCount, isEmpty, isMostly, isTimeOfDay, labelOf, withGroups } from "../../shared/tables/column_kinds.ts";
import { isMissing } from "../../shared/tables/cell_kinds.ts";
import { findDate } from "../../shared/tables/columns.ts";
import { type DateUnit, DAY } from "../../shared/tables/date_formats.ts";
import { readDates } from "../../shared/tables/dates.ts";
import { type DecimalMark, readNumbers } from "../../shared/tables/numbers.ts";
import { findColumn } from "../../shared/tables/parse_table.ts";
import { counted, failIn, type Note, note, type Table, type TableColumn, warning } from "../../shared/tables/table.ts";
import { plainTitle } from "../../shared/tables/titles.ts";
import { describesDate, joinDates } from "./date_parts.ts";
import type { Draft, Drafts } from "./draft.ts";
import { findIds, idsOfRows } from "./ids.ts";

/** How series in columns are to be read. */
export interface ColumnsOptions {
  readonly column?: string;
  readonly dateColumn?: string;
  readonly seriesColumn?: string;
  readonly decimal?: DecimalMark;
  readonly dateFormat?: string;
  /** Whether several values of one date are kept, to be added up later. */
  readonly keepRepeated?: boolean;
}

/** Titles of the values in stacked tables, as several libraries and offices write them. */
const VALUE_TITLES = ["y", "target", "value", "values", "obsvalue"];

/** Reads series in columns: one, several side by side, or several stacked with columns of ids. */
export function readColumns(table: Table, options: ColumnsOptions): Drafts {
  const fail = failIn(table.file);
  const notes: Note[] = [...table.notes];
  const columns = withGroups(table.columns);
  const joined = options.dateColumn === undefined ? joinDates(columns) : undefined;
  if (joined !== undefined) notes.push(note(`dates are made of columns ${joined.column.title}`));
  const date = joined?.column ?? findDate(table, columns, options);
  const isUsed = ({ position }: TableColumn) => position === date?.position || joined?.of.has(position) === true;
  const free = columns.filter((column) => !isUsed(column));
  const time = date && joined === undefined ? findTime(free, date) : undefined;
  const others = free.filter((column) => column !== time);
  const ids = findIds(table, others, date, options.seriesColumn);
  const names = ids.length === 0 ? undefined : idsOfRows(ids);
  const isLong = names !== undefined && names.some((name) => name !== names[0]);
  const rest = others.filter(({ position }) => !ids.some((id) => id.position === position));
  const chosen = choose();
  const numbers = readNumbers(table, chosen, options.decimal);
  for (const found of numbers.flatMap(({ notes }) => notes)) notes.push(found);
  const filled = filledRows();
  const dates = date === undefined ? undefined : readDates(
    { ...table, rowCount: filled.length, where: (row) => table.where(filled[row]!) },
    { ...date, cells: Array.from(filled, (row) => date.cells[row]!) },
    time && { ...time, cells: Array.from(filled, (row) => time.cells[row]!) },
    options.dateFormat,
  );
  notes.push(...dates?.notes ?? []);
  const unit: DateUnit | "step" = dates?.unit ?? "step";
  const repeated = { clock: 0, same: 0 };
  const drafts = isLong
    ? [...Map.groupBy(filled.keys(), (at) => names[filled[at]!]!)].map(([id, places]) =>
      draftOf(id, places, numbers[0]!.values)
    )
    : numbers.map(({ values }, i) => draftOf(labelOf(chosen[i]!), Array.from(filled, (_, at) => at), values));
  if (repeated.same > 0) notes.push(note(`${counted(repeated.same, "row")} that repeat another left out`));
  if (repeated.clock > 0) {
    notes.push(note(
      `${counted(repeated.clock, "time")} of the change from summer time, there twice, read as the mean of both`,
    ));
  }
  return { arrangement: isLong ? "long" : drafts.length > 1 ? "wide" : "one", unit, drafts, notes };

  /** The columns of values. */
  function choose(): readonly TableColumn[] {
    if (options.column !== undefined) return namedColumns(table, options.column, rest);
    const numeric = rest.filter((column) => !isEmpty(column) && isMostly(column, "number"));
    const described = numeric.filter(({ title }) => date !== undefined && describesDate(title));
    const measured = numeric.filter((column) => !isCount(column) && !described.includes(column));
    const found = measured.length > 0 ? measured : numeric;
    if (measured.length > 0 && described.length > 0) {
      notes.push(note(`columns that describe the date are not forecast: ${described.map(labelOf).join(", ")}`));
    }
    if (found.length === 0) {
      fail(`it must have a column of numbers beside the dates; it has ${listed(columns.map(labelOf))}`);
    }
    if (!isLong || found.length === 1) return found;
    const titled = found.filter(({ title }) => VALUE_TITLES.includes(plainTitle(title)));
    if (titled.length !== 1) {
      fail(
        `several columns may be the one to forecast: ${listed(found.map(labelOf))}; pick one, such as --column ` +
          shellWord(printable(labelOf(found[0]!))),
      );
    }
    notes.push(note(`column ${labelOf(titled[0]!)} is forecast, by its title; --column names another`));
    return titled;
  }

  /** The rows with a value and, where its parts make one, a date. */
  function filledRows(): Uint32Array {
    const undated: number[] = [];
    const rows = Array.from({ length: table.rowCount }, (_, row) => row).filter((row) => {
      if (numbers.every(({ values }) => Number.isNaN(values[row]!))) return false;
      if (joined !== undefined && date!.cells[row] === "") {
        undated.push(row);
        return false;
      }
      return true;
    });
    if (undated.length > 0) {
      notes.push(warning(
        `${counted(undated.length, "row")} left out whose ${date!.title} make no date, the first is ` +
          table.where(undated[0]!),
      ));
    }
    if (rows.length === 0) fail(`column ${labelOf(chosen[0]!)} must have numbers, got none; --column names another`);
    return Uint32Array.from(rows);
  }

  /** The values of a series in order of time. Without dates, missing ones keep their places. */
  function draftOf(id: string, places: readonly number[], values: Float64Array): Draft {
    if (dates === undefined) {
      const own = Float64Array.from(places, (at) => values[filled[at]!]!);
      return { id, times: own.map((_, i) => i + 1), values: own };
    }
    const { times } = dates;
    const kept = places.filter((at) => !Number.isNaN(values[filled[at]!]!));
    const isOrdered = kept.every((at, i) => i === 0 || times[at]! >= times[kept[i - 1]!]!);
    const order = isOrdered ? kept : kept.toSorted((a, b) => times[a]! - times[b]! || a - b);
    const read = (at: number) => values[filled[at]!]!;
    if (options.keepRepeated) {
      return { id, times: Float64Array.from(order, (at) => times[at]!), values: Float64Array.from(order, read) };
    }
    const [ownTimes, ownValues]: [number[], number[]] = [[], []];
    order.forEach((at, i) => {
      const before = order[i - 1];
      if (before === undefined || times[before] !== times[at]) {
        ownTimes.push(times[at]!);
        ownValues.push(read(at));
      } else if (read(before) === read(at)) repeated.same++;
      else if (isClockChange(times[at]!) && (i < 2 || times[order[i - 2]!] !== times[at])) {
        ownValues[ownValues.length - 1] = (read(before) + read(at)) / 2;
        repeated.clock++;
      } else failTwice(id, before, at, read);
    });
    return { id, times: Float64Array.from(ownTimes), values: Float64Array.from(ownValues) };
  }

  /** Whether a time may be the hour that clocks go through twice: between midnight and four on a Sunday of autumn. */
  function isClockChange(time: number): boolean {
    const at = new Date(time);
    const isAutumn = [2, 3, 8, 9, 10].includes(at.getUTCMonth());
    return unit === "time" && isAutumn && at.getUTCDay() === 0 && time % DAY < 4 / 24 * DAY;
  }

  function failTwice(id: string, before: number, at: number, read: (at: number) => number): never {
    const label = dateLabel(dates!.times[at]!, unit as DateUnit);
    const hint = isLong
      ? "remove the wrong row, name more columns of ids by --series-column a,b"
      : "remove the wrong row, name the columns of ids by --series-column";
    return fail(
      `${table.where(filled[at]!)}: ${label} must be there once${isLong ? ` for ${quoted(id)}` : ""}, got it with ` +
        `${read(at)} and in ${table.where(filled[before]!)} with ${read(before)}; ${hint}, or add them up by ` +
        "--aggregate sum --every day",
    );
  }
}

/** Columns that an option names: one by its whole title, or several with commas between them. */
function namedColumns(table: Table, named: string, choices: readonly TableColumn[]): readonly TableColumn[] {
  const whole = findColumn(table, named);
  if (whole !== undefined) return [whole];
  return named.split(",").map((name) =>
    findColumn(table, name) ?? failIn(table.file)(
      `column ${quoted(name.trim())} is missing; --column must be one of ${listed(choices.map(labelOf))}`,
    )
  );
}

/** A column with times of day beside dates without them. */
function findTime(columns: readonly TableColumn[], date: TableColumn): TableColumn | undefined {
  const hasTimes = date.cells.some((cell) => /\d:\d{2}/.test(cell));
  if (hasTimes || date.cells.every((cell) => /^\d{9,}$/.test(cell))) return undefined;
  return columns.find((column) =>
    isTimeOfDay(column) && !column.cells.some(isMissing) && column.cells.some((cell) => cell !== column.cells[0])
  );
}
