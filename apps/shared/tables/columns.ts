import { isMissing, kindOf } from "./cell_kinds.ts";
import { titleOf } from "./numbers.ts";
import { findColumn } from "./parse_table.ts";
import { failIn, type Note, note, type Table, type TableColumn } from "./table.ts";
import { isPriceTitle, plainTitle, rankOf, type Role } from "./titles.ts";
import { listed, quoted } from "../printable.ts";

/** A column that features may need besides the date and the value. */
export type ExtraColumn = "open" | "high" | "low" | "volume";

/** Which columns to read. */
export interface ColumnOptions {
  /** The column of the dates, by title or position; "none" counts rows. */
  readonly dateColumn?: string;
  /** The column of the values, by title or position. */
  readonly column?: string;
  /** The instrument to read of several. */
  readonly series?: string;
  /** The column that names the instruments, by title or position; "none" takes the file as one series. */
  readonly seriesColumn?: string;
  /** Other columns by title or position. */
  readonly extra?: Readonly<Partial<Record<ExtraColumn, string>>>;
  /** What is needed besides. */
  readonly need?: readonly ExtraColumn[];
}

/** The columns of a series. */
export interface ChosenColumns {
  readonly date?: TableColumn;
  readonly time?: TableColumn;
  readonly value: TableColumn;
  /** The plain close beside an adjusted one: the others are brought to the adjusted level by it. */
  readonly unadjusted?: TableColumn;
  readonly extra: Readonly<Partial<Record<ExtraColumn, TableColumn>>>;
  /** The rows that belong to the series, if not all do. */
  readonly rows?: Uint32Array;
  /** The instrument, if the file names one. */
  readonly instrument?: string;
  readonly notes: readonly Note[];
}

/** Rows that are looked at to tell a column's kind. */
const PROBE = 200;

/** Cells spread over a column. */
function probe({ cells }: TableColumn): string[] {
  const step = Math.max(1, Math.floor(cells.length / PROBE));
  const found: string[] = [];
  for (let row = 0; row < cells.length; row += step) found.push(cells[row]!);
  return found;
}

/** Whether nearly all values of a column are of a kind. */
function isMostly(column: TableColumn, kind: "number" | "date"): boolean {
  const kinds = probe(column).map(kindOf).filter((kind) => kind !== "empty" && kind !== "missing");
  return kinds.length > 0 && kinds.filter((one) => one === kind).length >= 0.9 * kinds.length;
}

/** Whether a column may hold dates: they are written as dates, or are whole numbers that rise as epochs do. */
function mayBeDates(column: TableColumn): boolean {
  return isMostly(column, "date") || isEpoch(column);
}

function isEpoch(column: TableColumn): boolean {
  const cells = probe(column).map((cell) => cell.trim());
  return cells.length > 0 &&
    cells.every((cell) => /^\d{9,10}(?:\.\d+)?$|^\d{12,13}$|^\d{15,16}$|^\d{18,19}$/.test(cell)) &&
    isMonotone(column);
}

function isMonotone({ cells }: TableColumn): boolean {
  const sign = Math.sign(Number(cells.at(-1)) - Number(cells[0]));
  return sign !== 0 && cells.every((cell, i) => i === 0 || sign * (Number(cell) - Number(cells[i - 1])) >= 0);
}

/** Whether a column only counts rows. */
function isCount(column: TableColumn): boolean {
  const { cells } = column;
  return cells.length > 1 &&
    cells.every((cell, i) => /^\d+(?:\.0)?$/.test(cell.trim()) && Number(cell) === Number(cells[0]) + i);
}

/**
 * Chooses the columns of a series: by the options, by the titles that sources use, or because there is no other.
 *
 * @throws {TableError} If the file leaves it open; the message lists what there is and names the option.
 */
export function chooseColumns(table: Table, options: ColumnOptions): ChosenColumns {
  const { file } = table;
  const fail = failIn(file);
  const notes: Note[] = [];
  const columns = stripPrefix(table.columns);
  const byName = (name: string, option: string): TableColumn =>
    findColumn({ ...table, columns: table.columns }, name) ??
      fail(`column ${quoted(name)} is missing; ${option} must be one of ${listed(nonEmpty(table).map(labelOf))}`);
  const date = options.dateColumn === "none"
    ? undefined
    : options.dateColumn === undefined
    ? findDate()
    : byName(options.dateColumn, "--date-column");
  const isUsed = (column: TableColumn) => date?.position === column.position;
  const time = date === undefined ? undefined : columns.find((column) => !isUsed(column) && isTimeOfDay(column));
  const symbols = symbolColumn();
  const picked = symbols === undefined ? undefined : pickRows(symbols);
  const value = findValue();
  const unadjusted = rankOf(plain(value).title, "adjusted") >= 0 ? findRole("close", [value], value.group) : undefined;
  const extra = Object.fromEntries((options.need ?? []).map((name) => {
    const named = options.extra?.[name];
    const column = named === undefined ? findRole(name, [value], value.group) : byName(named, "--columns");
    return [
      name,
      column ?? fail(
        `column ${name} is missing; it has ${listed(nonEmpty(table).map(labelOf))}; --columns ${name}=TITLE names it`,
      ),
    ];
  }));
  return {
    ...(date && { date }),
    ...(time && { time }),
    value,
    ...(unadjusted && { unadjusted }),
    extra,
    ...(picked?.rows && { rows: picked.rows }),
    ...(picked !== undefined
      ? { instrument: picked.name }
      : value.group !== undefined
      ? { instrument: value.group }
      : {}),
    notes,
  };

  function plain(column: TableColumn): TableColumn {
    return columns.find(({ position }) => position === column.position) ?? column;
  }

  function findDate(): TableColumn | undefined {
    const titled = columns.map((column) => ({ column, rank: rankOf(column.title, "date") }))
      .filter(({ column, rank }) => rank >= 0 && !isEmpty(column))
      .sort((a, b) => a.rank - b.rank).map(({ column }) => column);
    // A title such as "time" or "index" may be of something else.
    const found = titled.find(mayBeDates) ??
      columns.find((column) => isMostly(column, "date") && !isTimeOfDay(column)) ??
      titled.find((column) => isMostly(column, "number") && isMonotone(column)) ??
      columns.find((column) => (column.title === "" || !table.hasHeader) && isEpoch(column)) ??
      titled.find(({ title }) => rankOf(title, "time") < 0 && rankOf(title, "close") < 0);
    return found === undefined ? undefined : table.columns.find(({ position }) => position === found.position);
  }

  /** The best column of a role, other than some. */
  function findRole(role: Role, but: readonly TableColumn[], group: string | undefined): TableColumn | undefined {
    const found = columns.filter((column) =>
      !but.some(({ position }) => position === column.position) && !isUsed(column)
    )
      .filter((column) => group === undefined || column.group === group)
      .map((column) => ({ column, rank: rankOf(column.title, role) })).filter(({ rank, column }) =>
        rank >= 0 && !isEmpty(column)
      )
      .sort((a, b) => a.rank - b.rank);
    const [best, second] = found;
    if (best === undefined) return undefined;
    if (second?.rank === best.rank) {
      fail(
        `the title ${quoted(best.column.title)} must be there once, got it in columns ` +
          `${found.filter(({ rank }) => rank === best.rank).map(({ column }) => column.position).join(", ")}; ` +
          "name one by its position with --column",
      );
    }
    return table.columns.find(({ position }) => position === best.column.position);
  }

  function findValue(): TableColumn {
    if (options.column !== undefined) {
      const group = groupOf(options.series);
      const inGroup = group === undefined
        ? table
        : { ...table, columns: table.columns.filter((one) => one.group === group) };
      return findColumn(inGroup, options.column) ?? byName(options.column, "--column");
    }
    const others = columns.filter((column) =>
      !isUsed(column) && column.position !== symbols?.position && column.position !== time?.position && !isEmpty(column)
    );
    const groups = [...new Set(others.flatMap(({ group }) => group === undefined ? [] : [group]))];
    let group = groups.length === 1 ? groups[0] : undefined;
    if (groups.length > 1) {
      group = groupOf(options.series) ?? fail(
        options.series === undefined
          ? `it has ${groups.length} instruments: ${listed(groups)}; pick one by --series ${shellWord(groups[0]!)}`
          : `there is no instrument ${quoted(options.series)}; --series must be one of ${listed(groups)}`,
      );
    }
    const inGroup = group === undefined ? others : others.filter((column) => column.group === group);
    const numeric = inGroup.filter((column) => isMostly(column, "number"));
    const adjusted = findRole("adjusted", [], group);
    const close = findRole("close", [], group);
    if (adjusted !== undefined) {
      if (close !== undefined) {
        notes.push(note(
          `column ${titleOf(adjusted)} is read, which splits and dividends do not move; --column ${
            shellWord(labelOf(close))
          } reads the other`,
        ));
      }
      return adjusted;
    }
    if (options.series !== undefined && symbols === undefined && group === undefined) {
      const found = findColumn({ ...table, columns: numeric }, options.series);
      if (found !== undefined) return table.columns.find(({ position }) => position === found.position)!;
      fail(`there is no instrument ${quoted(options.series)}; --series must be one of ${listed(numeric.map(labelOf))}`);
    }
    if (close !== undefined) return close;
    const useful = numeric.filter((column) => !isCount(column) || numeric.length === 1);
    if (useful.length === 1) {
      const [only] = useful as [TableColumn];
      if (table.hasHeader && !isPriceTitle(only.title)) {
        notes.push(note(`column ${titleOf(only)} is read, the only one of numbers`));
      }
      return table.columns.find(({ position }) => position === only.position)!;
    }
    if (useful.length === 0) {
      fail(
        `it must have a column of numbers beside the dates; it has ${
          listed(nonEmpty(table).map(labelOf))
        }; --column names it`,
      );
    }
    const bars = table.hasHeader ? undefined : findBars(useful);
    if (bars !== undefined) {
      notes.push(
        note(
          `without a header, columns ${bars.map(({ position }) => position).join(", ")} are taken for open, high, ` +
            `low and close, as their values are in that order; --column 2 reads another one`,
        ),
      );
      return bars[3]!;
    }
    const example = `--column ${shellWord(labelOf(useful.at(-1)!))}`;
    return fail(
      table.hasHeader
        ? `several columns may be the one to forecast: ${listed(useful.map(labelOf))}; pick one, such as ${example}`
        : `it has no header, and several columns may be the one to forecast; its first row is ` +
          `${listed(table.columns.map(({ cells }) => cells[0]!))}; name the columns by position, such as ` +
          `${date === undefined ? "--date-column 1 " : ""}--column ${useful[Math.min(3, useful.length - 1)]!.position}`,
    );
  }

  function groupOf(series: string | undefined): string | undefined {
    return series === undefined
      ? undefined
      : columns.find(({ group }) => group?.toLowerCase() === series.toLowerCase())?.group;
  }

  /** Four columns side by side of which the second is never below and the third never above the others. */
  function findBars(numeric: readonly TableColumn[]): TableColumn[] | undefined {
    for (let i = 0; i + 3 < numeric.length; i++) {
      const four = numeric.slice(i, i + 4);
      if (four[3]!.position !== four[0]!.position + 3) continue;
      const rows = probe(four[0]!).map((_, row) => four.map((column) => Number(probe(column)[row])));
      const fits = rows.every(([open, high, low, close]) =>
        high! >= Math.max(open!, close!) && low! <= Math.min(open!, close!)
      );
      if (fits && rows.some(([, high, low]) => high! > low!)) return four;
      break;
    }
    return undefined;
  }

  /** The column that names instruments, if there is more than one of them or the user names it. */
  function symbolColumn(): TableColumn | undefined {
    if (options.seriesColumn === "none") return undefined;
    if (options.seriesColumn !== undefined) return byName(options.seriesColumn, "--series-column");
    const titled = columns.map((column) => ({ column, rank: rankOf(column.title, "symbol") }))
      .filter(({ column, rank }) => rank >= 0 && !isUsed(column) && !isEmpty(column) && !isCount(column))
      .sort((a, b) => a.rank - b.rank).map(({ column }) => column);
    const several = titled.find((column) => isMixed(column) && repeats(column));
    if (several !== undefined) return several;
    // Dates that come again speak for instruments, whatever their column is called.
    const texts = columns.filter((column) =>
      !isUsed(column) && !isMostly(column, "number") && !isMostly(column, "date") && isMixed(column) && repeats(column)
    );
    if (date === undefined || texts.length === 0 || new Set(date.cells).size === date.cells.length) return titled[0];
    return texts.find(isKey) ?? titled[0];
  }

  function isMixed({ cells }: TableColumn): boolean {
    const first = cells[0]?.trim();
    return cells.some((cell) => cell.trim() !== first);
  }

  /** Whether its values come again: a column of names in which each is there once names no series. */
  function repeats({ cells }: TableColumn): boolean {
    return new Set(cells).size <= cells.length / 2;
  }

  /** Whether no date comes twice with the same value of a column. */
  function isKey({ cells }: TableColumn): boolean {
    const keys = new Set(cells.map((cell, row) => `${date!.cells[row]}\n${cell}`));
    return keys.size > 0.99 * cells.length;
  }

  function pickRows(symbols: TableColumn): { rows?: Uint32Array; name: string } | undefined {
    const names = new Map<string, number>();
    for (const cell of symbols.cells) {
      const name = cell.trim();
      names.set(name, (names.get(name) ?? 0) + 1);
    }
    const { series } = options;
    if (names.size === 1 && series === undefined) {
      const [name] = [...names.keys()] as [string];
      return { name };
    }
    // What counts or measures something is no name.
    if (series === undefined && options.seriesColumn === undefined && names.size > symbols.cells.length / 2) {
      return undefined;
    }
    const all = [...names.keys()];
    if (series === undefined) {
      return fail(
        `it has ${names.size} instruments in column ${titleOf(symbols)}: ${listed(all)}; pick one by ` +
          `--series ${shellWord(all[0]!)}` +
          (names.size > symbols.cells.length / 4 ? ", or take all rows for one by --series-column none" : ""),
      );
    }
    const found = names.has(series) ? series : all.find((name) => name.toLowerCase() === series.toLowerCase());
    if (found === undefined) {
      return fail(
        `there is no instrument ${quoted(series)} in column ${titleOf(symbols)}; --series must be one of ${
          listed(all)
        }`,
      );
    }
    const rows = new Uint32Array(names.get(found)!);
    let at = 0;
    symbols.cells.forEach((cell, row) => {
      if (cell.trim() === found) rows[at++] = row;
    });
    return { rows, name: found };
  }
}

function isEmpty({ cells }: TableColumn): boolean {
  return cells.every(isMissing);
}

function isTimeOfDay(column: TableColumn): boolean {
  if (rankOf(column.title, "time") < 0) return false;
  const cells = probe(column);
  return cells.every((cell) => /^\s*(?:\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:\s?[ap]m)?|\d{1,6})\s*$/i.test(cell)) &&
    !isEpoch(column);
}

/** The columns with something in them. */
export function nonEmpty({ columns }: Table): TableColumn[] {
  return columns.filter((column) => !isEmpty(column));
}

/** What messages and options call a column: its title, or its position if it has none. */
export function labelOf({ title, position, group }: TableColumn): string {
  return title === "" ? String(position) : group === undefined ? title : `${title} (${group})`;
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w.,:/@+-]+$/.test(text) ? text : `"${text.replace(/["$`\\]/g, "\\$&")}"`;
}

/** Titles such as AAPL.Close or Close_AAPL: an instrument beside the name of a price, in all or none of the others. */
function stripPrefix(columns: readonly TableColumn[]): readonly TableColumn[] {
  if (columns.some(({ group }) => group !== undefined)) return columns;
  const parts = columns.map((column) => {
    if (isPriceTitle(column.title) || plainTitle(column.title) === "") return undefined;
    const found = /^(.+?)[.\s_:-]+((?:adj(?:usted|\.)?[\s_]*)?[\p{L}]+)$/iu.exec(column.title);
    const swapped = /^((?:adj(?:usted|\.)?[\s_]*)?[\p{L}]+)[.\s_:-]+(.+)$/iu.exec(column.title);
    if (found !== null && isPriceTitle(found[2]!)) return { title: found[2]!, group: found[1]! };
    if (swapped !== null && isPriceTitle(swapped[1]!)) return { title: swapped[1]!, group: swapped[2]! };
    return undefined;
  });
  const named = parts.filter((part) => part !== undefined);
  // A single one may be "last price" or the like.
  if (named.length < 2 || columns.some(({ title }) => rankOf(title, "close") >= 0 || rankOf(title, "adjusted") >= 0)) {
    return columns;
  }
  return columns.map((column, i) => parts[i] === undefined ? column : { ...column, ...parts[i] });
}
