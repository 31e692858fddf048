import { quoted } from "../../shared/printable.ts";
import { isEmpty, isMostly, labelOf } from "../../shared/tables/column_kinds.ts";
import { isMissing, kindOf } from "../../shared/tables/cell_kinds.ts";
import { readDates } from "../../shared/tables/dates.ts";
import type { DateColumn } from "../../shared/tables/dates.ts";
import { type DecimalMark, readNumbers } from "../../shared/tables/numbers.ts";
import { failIn, note, type Table, type TableColumn, TableError } from "../../shared/tables/table.ts";
import { rankOf } from "../../shared/tables/titles.ts";
import type { Draft, Drafts } from "./draft.ts";
import { idsOfRows } from "./ids.ts";

/** The least columns of values whose titles only count, and whose titles are dates. */
const [LEAST_COUNTED, LEAST_DATED] = [8, 3];
/** Columns that can be an id together. */
const MOST_PARTS = 3;

/** How a table with one series a row is made up. */
export interface RowsLayout {
  /** The columns before the values. */
  readonly about: readonly TableColumn[];
  /** The columns of values in the order of the file. */
  readonly values: readonly TableColumn[];
  /** The dates that the values' titles name, if they do. */
  readonly dates?: DateColumn;
}

/** A title without what R and the World Bank write around a date. */
function bareTitle(title: string): string {
  return title.trim().replace(/^X(?=\d)/, "").replace(/\[[^[\]]*\]$/, "").trimEnd();
}

/** The dates that titles name; undefined if they are no dates, or not in one format. */
function datesIn(table: Table, columns: readonly TableColumn[], dateFormat: string | undefined) {
  const cells = columns.map(({ title }) => bareTitle(title));
  const titles = { title: "titles", position: 1, cells };
  const view = {
    ...table,
    rowCount: cells.length,
    where: (at: number) => `the title of column ${columns[at]!.position}`,
  };
  try {
    return readDates(view, titles, undefined, dateFormat);
  } catch (error) {
    if (error instanceof TableError && dateFormat === undefined) return undefined;
    throw error;
  }
}

/** Whether a title may be a date: written as one, or a year. */
function mayBeDate({ title }: TableColumn): boolean {
  const text = bareTitle(title);
  return /^(?:1[5-9]|20|21)\d{2}$/.test(text) || (kindOf(text) === "date" && /\d/.test(text));
}

/** The number at the end of a title; NaN if there is none. */
function countIn({ title }: TableColumn): number {
  return Number(/\d{1,15}$/.exec(title)?.[0] ?? NaN);
}

const holdsNumbers = (column: TableColumn) => isEmpty(column) || isMostly(column, "number");

/**
 * How a table has one series a row: columns about the series, then its values in columns whose titles are dates or count,
 * such as d_1, d_2, …; undefined if it is no such table.
 */
export function findRows(table: Table, dateFormat?: string): RowsLayout | undefined {
  const { columns, hasHeader } = table;
  const dated = hasHeader ? columns.filter(mayBeDate) : [];
  if (dated.length >= LEAST_DATED && dated.every(holdsNumbers)) {
    const isDated = new Set(dated);
    const about = columns.filter((column) => !isDated.has(column));
    const dates = datesIn(table, dated, dateFormat);
    if (dates !== undefined) return { about, values: dated, dates };
  }
  let from = columns.length - 1;
  while (from > 0 && countIn(columns[from - 1]!) === countIn(columns[from]!) - 1) from--;
  // A first column of values may have a title of its own, but a column of texts is about the series.
  const values = columns.slice(from).filter((_, i) => i > 0 || holdsNumbers(columns[from]!));
  const about = columns.slice(0, columns.length - values.length);
  const isLong = values.length >= LEAST_COUNTED && values.every(holdsNumbers);
  // Dates before the values are those of rows.
  const hasDates = about.some((column) => isMostly(column, "date"));
  if (!isLong || hasDates || about.every((column) => isMostly(column, "number"))) return undefined;
  return idsIn(about).length > 0 ? { about, values } : undefined;
}

/** The fewest of the columns about series that together are different in all rows. */
function idsIn(about: readonly TableColumn[]): readonly TableColumn[] {
  const texts = about.filter((column) => !isMostly(column, "number"));
  const others = about.filter((column) => isMostly(column, "number") && rankOf(column.title, "symbol") >= 0);
  const candidates = [
    ...texts.toSorted((a, b) => Number(rankOf(b.title, "symbol") >= 0) - Number(rankOf(a.title, "symbol") >= 0)),
    ...others,
  ];
  const isKey = (columns: readonly TableColumn[]) => {
    const ids = idsOfRows(columns);
    return new Set(ids).size === ids.length && !ids.some(isMissing);
  };
  const single = candidates.find((column) => isKey([column]));
  if (single !== undefined) return [single];
  for (let size = 2; size <= Math.min(MOST_PARTS, candidates.length); size++) {
    const some = candidates.slice(0, size);
    if (isKey(some)) return some.toSorted((a, b) => a.position - b.position);
  }
  return [];
}

/** Reads one series a row. */
export function readRows(
  table: Table,
  { about, values: columns, dates }: RowsLayout,
  { decimal, ids: named }: { readonly decimal?: DecimalMark | undefined; readonly ids?: readonly TableColumn[] },
): Drafts {
  const fail = failIn(table.file);
  const notes = [...table.notes];
  if (columns.length === 0) {
    return fail("with one series a row it must have a column of ids and columns of values, got one column");
  }
  const found = named ?? idsIn(about);
  const ids = found.length > 0 ? found : about.slice(0, 1);
  if (ids.length === 0) fail("with one series a row it must have a column of ids before the values, got none");
  const others = about.filter((column) => !ids.includes(column));
  if (others.length > 0) notes.push(note(`columns about the series that are not read: ${titlesOf(others)}`));
  const names = idsOfRows(ids);
  const seen = new Map<string, number>();
  names.forEach((id, row) => {
    const before = seen.get(id);
    if (before !== undefined) {
      fail(
        `${table.where(row)}: the id ${quoted(id)} must be there once, got it in ${table.where(before)} too; ` +
          "remove one of the rows, rename it, or name more columns by --series-column a,b",
      );
    }
    seen.set(id, row);
  });
  const filled = columns.map((column, at) => ({ column, at })).filter(({ column }) => !isEmpty(column));
  const numbers = readNumbers(table, filled.map(({ column }) => column), decimal);
  for (const found of [...numbers.flatMap(({ notes }) => notes), ...dates?.notes ?? []]) notes.push(found);
  const places = filled.map(({ at }) => at);
  const order = dates === undefined ? places : places.toSorted((a, b) => dates.times[a]! - dates.times[b]!);
  const rank = new Map(places.map((at, i) => [at, i]));
  const times = Float64Array.from(order, (at) => dates === undefined ? at + 1 : dates.times[at]!);
  const twice = times.findIndex((time, i) => i > 0 && time === times[i - 1]);
  if (twice >= 0) {
    fail(
      `the title ${quoted(columns[order[twice]!]!.title)} must be the only one of its date, got ` +
        `${quoted(columns[order[twice - 1]!]!.title)} too; remove one of the columns`,
    );
  }
  const drafts = names.map((id, row): Draft => ({
    id,
    times,
    values: Float64Array.from(order, (at) => numbers[rank.get(at)!]!.values[row]!),
  }));
  return { arrangement: "rows", unit: dates?.unit ?? "step", drafts, notes };
}

function titlesOf(columns: readonly TableColumn[]): string {
  return columns.slice(0, 5).map(labelOf).join(", ") + (columns.length > 5 ? ", …" : "");
}
