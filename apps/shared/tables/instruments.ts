import { shellWord } from "../shell.ts";
import { isCount, isEmpty, isMostly } from "./column_kinds.ts";
import { titleOf } from "./numbers.ts";
import { findColumn } from "./parse_table.ts";
import { failIn, type Table, type TableColumn } from "./table.ts";
import { rankOf } from "./titles.ts";
import { listed, printable, quoted } from "../printable.ts";

/** The rows of one instrument. */
export interface Instrument {
  readonly name: string;
  /** Its rows, if the file has others too. */
  readonly rows?: Uint32Array;
}

/** What the options say of instruments. */
interface InstrumentOptions {
  readonly series?: string;
  readonly seriesColumn?: string;
}

function isMixed({ cells }: TableColumn): boolean {
  const first = cells[0]?.trim();
  return cells.some((cell) => cell.trim() !== first);
}

/** Whether its values come again: a column in which each is there once names no series. */
function repeats({ cells }: TableColumn): boolean {
  return new Set(cells).size <= cells.length / 2;
}

/**
 * The column that names the instrument of each row: by its title, or because dates come again and no date twice with
 * the same value of it.
 *
 * @param columns The columns, with their groups.
 * @param date The column of the dates, if there is one.
 */
export function symbolColumn(
  table: Table,
  columns: readonly TableColumn[],
  date: TableColumn | undefined,
  { seriesColumn }: InstrumentOptions,
): TableColumn | undefined {
  if (seriesColumn === "none") return undefined;
  if (seriesColumn !== undefined) {
    return findColumn(table, seriesColumn) ?? failIn(table.file)(`column ${quoted(seriesColumn)} is missing`);
  }
  const others = columns.filter((column) => column.position !== date?.position);
  const titled = others.map((column) => ({ column, rank: rankOf(column.title, "symbol") }))
    .filter(({ column, rank }) => rank >= 0 && !isEmpty(column) && !isCount(column))
    .sort((a, b) => a.rank - b.rank).map(({ column }) => column);
  const several = titled.find((column) => isMixed(column) && repeats(column));
  if (several !== undefined || date === undefined) return several ?? titled[0];
  const texts = others.filter((column) =>
    !isMostly(column, "number") && !isMostly(column, "date") && isMixed(column) && repeats(column)
  );
  if (texts.length === 0 || new Set(date.cells).size === date.cells.length) return titled[0];
  const isKey = ({ cells }: TableColumn) =>
    new Set(cells.map((cell, row) => `${date.cells[row]}\n${cell}`)).size > 0.99 * cells.length;
  return texts.find(isKey) ?? titled[0];
}

/**
 * The instrument that the options name, or the only one.
 *
 * @throws {TableError} If there are several and none or an unknown one is named.
 */
export function pickInstrument(
  table: Table,
  column: TableColumn,
  { series, seriesColumn }: InstrumentOptions,
): Instrument | undefined {
  const { cells } = column;
  const fail = failIn(table.file);
  const counts = new Map<string, number>();
  for (const cell of cells) counts.set(cell.trim(), (counts.get(cell.trim()) ?? 0) + 1);
  const names = [...counts.keys()];
  if (series === undefined) {
    if (names.length === 1) return { name: names[0]! };
    // What is different in most rows names no instrument.
    if (seriesColumn === undefined && names.length > cells.length / 2) return undefined;
    return fail(
      `it has ${names.length} instruments in column ${titleOf(column)}: ${listed(names)}; pick one by --series ` +
        `${shellWord(printable(names[0]!))}, or say that they are one by --series-column none`,
    );
  }
  const name = counts.has(series) ? series : names.find((name) => name.toLowerCase() === series.toLowerCase());
  if (name === undefined) {
    return fail(
      `there is no instrument ${quoted(series)} in column ${titleOf(column)}; --series must be one of ${listed(names)}`,
    );
  }
  const rows = new Uint32Array(counts.get(name)!);
  let at = 0;
  cells.forEach((cell, row) => {
    if (cell.trim() === name) rows[at++] = row;
  });
  return { name, rows };
}

/** The group of columns that is meant, where titles name several instruments. */
export function pickGroup(table: Table, columns: readonly TableColumn[], series?: string): string | undefined {
  const groups = [...new Set(columns.flatMap(({ group }) => group === undefined ? [] : [group]))];
  const named = groups.find((group) => group.toLowerCase() === series?.toLowerCase());
  if (named !== undefined || groups.length < 2) return named ?? groups[0];
  return failIn(table.file)(
    series === undefined
      ? `it has ${groups.length} instruments: ${listed(groups)}; pick one by --series ${
        shellWord(printable(groups[0]!))
      }`
      : `there is no instrument ${quoted(series)}; --series must be one of ${listed(groups)}`,
  );
}
