import { isMissing, kindOf } from "./cell_kinds.ts";
import type { Table, TableColumn } from "./table.ts";
import { isPriceTitle, plainTitle, rankOf } from "./titles.ts";

/** Rows that are looked at to tell a column's kind. */
const PROBE = 200;

/** Cells spread over a column. */
export function probe({ cells }: TableColumn): string[] {
  const step = Math.max(1, Math.floor(cells.length / PROBE));
  const found: string[] = [];
  for (let row = 0; row < cells.length; row += step) found.push(cells[row]!);
  return found;
}

/** Whether nearly all values of a column are of a kind. */
export function isMostly(column: TableColumn, kind: "number" | "date"): boolean {
  const kinds = probe(column).map(kindOf).filter((kind) => kind !== "empty" && kind !== "missing");
  return kinds.length > 0 && kinds.filter((one) => one === kind).length >= 0.9 * kinds.length;
}

/** Whether all cells are seconds, milliseconds and so on since 1970, in order. */
export function isEpoch(column: TableColumn): boolean {
  const cells = probe(column).map((cell) => cell.trim());
  const pattern = /^\d{9,10}(?:\.\d+)?$|^\d{12,13}$|^\d{15,16}$|^\d{18,19}$/;
  return cells.length > 0 && cells.every((cell) => pattern.test(cell)) && isMonotone(column);
}

/** Whether a column may hold dates: written as dates, or as epochs. */
export function mayBeDates(column: TableColumn): boolean {
  return isMostly(column, "date") || isEpoch(column);
}

/** Whether numbers only rise or only fall. */
export function isMonotone({ cells }: TableColumn): boolean {
  const sign = Math.sign(Number(cells.at(-1)) - Number(cells[0]));
  return sign !== 0 && cells.every((cell, i) => i === 0 || sign * (Number(cell) - Number(cells[i - 1])) >= 0);
}

/** Whether a column only counts rows. */
export function isCount({ cells }: TableColumn): boolean {
  const first = Number(cells[0]);
  return cells.length > 1 && cells.every((cell, i) => /^\d+(?:\.0)?$/.test(cell.trim()) && Number(cell) === first + i);
}

export function isEmpty({ cells }: TableColumn): boolean {
  return cells.every(isMissing);
}

/** Whether a column has times of day beside the dates of another. */
export function isTimeOfDay(column: TableColumn): boolean {
  if (rankOf(column.title, "time") < 0) return false;
  const pattern = /^\s?(?:\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:\s?[ap]m)?|\d{1,6})\s?$/i;
  return probe(column).every((cell) => cell.length < 20 && pattern.test(cell)) && !isEpoch(column);
}

/** The columns with something in them; all of them, if none has. */
export function nonEmpty({ columns }: Table): readonly TableColumn[] {
  const found = columns.filter((column) => !isEmpty(column));
  return found.length > 0 ? found : columns;
}

/** What messages and options call a column: its title, or its position if it has none. */
export function labelOf({ title, position, group }: TableColumn): string {
  return title === "" ? String(position) : group === undefined ? title : `${title} (${group})`;
}

/** Titles such as AAPL.Close or Close_AAPL become a title and a group, unless a column is called close without one. */
export function withGroups(columns: readonly TableColumn[]): readonly TableColumn[] {
  const isNamed = ({ group, title }: TableColumn) =>
    group !== undefined || rankOf(title, "close") >= 0 || rankOf(title, "adjusted") >= 0;
  if (columns.some(isNamed)) return columns;
  const parts = columns.map(({ title }) => {
    if (isPriceTitle(title) || plainTitle(title) === "" || title.length > 80) return undefined;
    const last = /^(.+)[.\s_:-]((?:adj(?:usted)?\.?[\s_]?)?\p{L}+)$/iu.exec(title);
    if (last !== null && isPriceTitle(last[2]!)) return { title: last[2]!, group: last[1]! };
    const first = /^((?:adj(?:usted)?\.?[\s_])?\p{L}+)[.\s_:-](.+)$/iu.exec(title);
    return first !== null && isPriceTitle(first[1]!) ? { title: first[1]!, group: first[2]! } : undefined;
  });
  // A single one may be "last price" or the like.
  if (parts.filter((part) => part !== undefined).length < 2) return columns;
  return columns.map((column, i) => parts[i] === undefined ? column : { ...column, ...parts[i] });
}
