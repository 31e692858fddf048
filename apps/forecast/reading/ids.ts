import { isCount, isEmpty, isMostly } from "../../shared/tables/column_kinds.ts";
import { findColumn } from "../../shared/tables/parse_table.ts";
import { failIn, type Table, type TableColumn } from "../../shared/tables/table.ts";
import { plainTitle, rankOf } from "../../shared/tables/titles.ts";
import { listed, quoted } from "../../shared/printable.ts";
import { labelOf } from "../../shared/tables/column_kinds.ts";
import { describesDate } from "./date_parts.ts";

/** Titles of columns of numbers that name things. */
const THINGS = new Set([
  ...["shop", "dept", "department", "sku", "customer", "region", "site", "station", "sensor", "meter", "zone", "route"],
  ...["line", "category", "class", "family", "branch", "city", "state", "district", "county", "building", "warehouse"],
  ...["brand", "channel", "segment", "area", "household", "machine", "device", "node", "user", "article", "model"],
]);
/** Columns that can be an id together. */
const MOST_PARTS = 3;
/** Columns that are tried. */
const MOST_CANDIDATES = 8;
/** The share of the rows that a key must tell apart; a few may be there twice. */
const UNIQUE = 0.99;

/** Whether a title is that of a column of ids, even if these are numbers. */
function namesThings(title: string): boolean {
  const plain = plainTitle(title);
  return rankOf(title, "symbol") >= 0 || THINGS.has(plain) || /.(?:id|nbr|nr|no|num|number|code|key)$/.test(plain);
}

/** The cells of a column as numbers: equal ones have the same. */
function coded({ cells }: TableColumn): { codes: Uint32Array; count: number } {
  const seen = new Map<string, number>();
  const codes = new Uint32Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]!;
    let code = seen.get(cell);
    if (code === undefined) seen.set(cell, code = seen.size);
    codes[row] = code;
  }
  return { codes, count: seen.size };
}

/** The number of different combinations of cells in a row. */
function countCombinations(columns: readonly { readonly codes: Uint32Array; readonly count: number }[]): number {
  const keys = new Float64Array(columns[0]!.codes.length);
  let size = 1;
  for (const { codes, count } of columns) {
    // Beyond that, numbers are no longer exact.
    if (size * count > 2 ** 53) return keys.length;
    size *= count;
    for (let row = 0; row < keys.length; row++) keys[row] = keys[row]! * count + codes[row]!;
  }
  keys.sort();
  let distinct = 0;
  for (let row = 0; row < keys.length; row++) if (row === 0 || keys[row] !== keys[row - 1]) distinct++;
  return distinct;
}

/**
 * The columns that together say which series a row belongs to; none if the file has one series, or one a column. They are
 * the fewest columns of texts, or with titles such as "store" or "item_id", that tell rows of the same date apart.
 *
 * @param named What `--series-column` says: titles or positions, joined by commas, or "none".
 */
export function findIds(
  table: Table,
  columns: readonly TableColumn[],
  date: TableColumn | undefined,
  named: string | undefined,
): readonly TableColumn[] {
  if (named === "none") return [];
  if (named !== undefined) return namedIds(table, named);
  const others = columns.filter((column) => column.position !== date?.position && !isEmpty(column));
  const isMixed = ({ cells }: TableColumn) => cells.some((cell) => cell !== cells[0]);
  const repeats = ({ cells }: TableColumn) => new Set(cells).size <= cells.length / 2;
  // A code such as LNU04000000 may look like a number with a currency.
  const isText = (column: TableColumn) =>
    !isMostly(column, "date") && (!isMostly(column, "number") || column.cells.every((cell) => /^[A-Z]{2,}/.test(cell)));
  const isWhole = ({ cells }: TableColumn) => cells.every((cell) => /^\s*\d{1,15}(?:\.0)?\s*$/.test(cell));
  const usable = others.filter((column) => isMixed(column) && repeats(column) && !isCount(column));
  const dates = date && coded(date);
  if (dates === undefined || dates.count === dates.codes.length) {
    const titled = usable.find((column) => rankOf(column.title, "symbol") >= 0 && isText(column));
    return titled === undefined ? [] : [titled];
  }
  const ranked = [
    usable.filter((column) => isText(column) && namesThings(column.title)),
    usable.filter((column) => isText(column) && !namesThings(column.title)),
    usable.filter((column) => !isText(column) && namesThings(column.title) && isWhole(column)),
  ].flat().filter(({ title }) => !describesDate(title)).slice(0, MOST_CANDIDATES);
  const codes = ranked.map(coded);
  for (let size = 1; size <= Math.min(MOST_PARTS, ranked.length); size++) {
    for (const some of combinations(ranked.length, size)) {
      const distinct = countCombinations([dates, ...some.map((i) => codes[i]!)]);
      if (distinct < UNIQUE * dates.codes.length) continue;
      return some.map((i) => ranked[i]!).sort((a, b) => a.position - b.position);
    }
  }
  return [];
}

function namedIds(table: Table, named: string): readonly TableColumn[] {
  const find = (name: string) => findColumn(table, name);
  const whole = find(named);
  if (whole !== undefined) return [whole];
  return named.split(",").map((name) =>
    find(name) ?? failIn(table.file)(
      `column ${quoted(name.trim())} is missing; --series-column must be one or several of ` +
        listed(table.columns.map(labelOf)),
    )
  );
}

/** All ways to choose some of a number of things, those of the first things first. */
function* combinations(of: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) return yield [];
  for (let first = from; first <= of - size; first++) {
    for (const rest of combinations(of, size - 1, first + 1)) yield [first, ...rest];
  }
}

/** The id of each row: the cells of the columns of ids that have something in them, with slashes between them. */
export function idsOfRows(columns: readonly TableColumn[]): readonly string[] {
  const [first, ...others] = columns.map(({ cells }) => cells);
  if (others.length === 0) return first!.map((cell) => cell.trim());
  return first!.map((cell, row) =>
    [cell, ...others.map((cells) => cells[row]!)].map((one) => one.trim()).filter((one) => one !== "").join("/")
  );
}
