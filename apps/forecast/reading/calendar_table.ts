import { isMostly } from "../../shared/tables/column_kinds.ts";
import type { Table, TableColumn } from "../../shared/tables/table.ts";
import { periodOf } from "./date_parts.ts";

/** A table with a year a row and a period a column, or the other way round. */
export interface CalendarTable {
  /** Its cells stacked: a row for each cell of the table. */
  readonly stacked: Table;
  /** The columns of the stacked table. */
  readonly date: TableColumn;
  readonly values: TableColumn;
  /** The other columns, such as the ids of several series. */
  readonly others: readonly TableColumn[];
}

/** The year that a text names; NaN if it is none. */
function yearOf(text: string): number {
  const year = /^\s*(?:1[5-9]|20|21)\d{2}(?:\.0)?\s*$/.test(text) ? Number(text) : NaN;
  return year;
}

/** Columns for all months or all quarters, in the order of the year; undefined if some are missing. */
function periods(columns: readonly { readonly title: string }[]) {
  const found = columns.map(({ title }, at) => ({ at, period: periodOf(title) }))
    .filter(({ period }) => period !== undefined).map(({ at, period }) => ({ at, ...period! }));
  for (const [unit, count] of [["month", 12], ["quarter", 4]] as const) {
    const own = found.filter((one) => one.unit === unit).toSorted((a, b) => a.number - b.number);
    if (own.length === count && own.every(({ number }, i) => number === i + 1)) return { unit, places: own };
  }
  return undefined;
}

/**
 * Takes a table with a year a row and a column for each month or quarter, or a period a row and a column for each year,
 * as one with a date a row; undefined if it is neither.
 */
export function stackCalendar(table: Table): CalendarTable | undefined {
  const { columns } = table;
  const label = (year: number, unit: "month" | "quarter", number: number) =>
    unit === "month" ? `${year}-${String(number).padStart(2, "0")}` : `${year}-Q${number}`;
  const across = periods(columns);
  const years = columns.find(({ cells }) => cells.length > 0 && cells.every((cell) => yearOf(cell) > 0));
  if (across !== undefined && years !== undefined) {
    const values = across.places.map(({ at }) => columns[at]!);
    const others = columns.filter((column) =>
      column !== years && !values.includes(column) && !isMostly(column, "number")
    );
    return stack(table, {
      values,
      others,
      dateOf: (row, at) => label(yearOf(years.cells[row]!), across.unit, across.places[at]!.number),
    });
  }
  const named = columns.find((column) => periods(column.cells.map((title) => ({ title }))) !== undefined);
  const values = columns.filter(({ title }) => yearOf(title) > 0);
  if (named === undefined || values.length === 0) return undefined;
  const periodAt = named.cells.map(periodOf);
  return stack(table, {
    values,
    others: [],
    dateOf: (row, at) => {
      const period = periodAt[row];
      return period === undefined ? "" : label(yearOf(values[at]!.title), period.unit, period.number);
    },
  });
}

function stack(
  table: Table,
  { values, others, dateOf }: {
    readonly values: readonly TableColumn[];
    readonly others: readonly TableColumn[];
    readonly dateOf: (row: number, at: number) => string;
  },
): CalendarTable {
  const places = Array.from(
    { length: table.rowCount * values.length },
    (_, i) => ({ row: Math.floor(i / values.length), at: i % values.length }),
  ).filter(({ row, at }) => dateOf(row, at) !== "");
  const made = (title: string, position: number, cellOf: (place: { row: number; at: number }) => string) => ({
    title,
    position,
    cells: places.map(cellOf),
  });
  const date = made("date", 1, ({ row, at }) => dateOf(row, at));
  const stacked = made("value", 2, ({ row, at }) => values[at]!.cells[row]!);
  const rest = others.map(({ title, cells }, i) => made(title, 3 + i, ({ row }) => cells[row]!));
  const where = (i: number) => `${table.where(places[i]!.row)}, column ${values[places[i]!.at]!.position}`;
  return {
    stacked: { ...table, columns: [date, stacked, ...rest], rowCount: places.length, where },
    date,
    values: stacked,
    others: rest,
  };
}
