import { shellWord } from "../shell.ts";
import {
  isCount,
  isEmpty,
  isEpoch,
  isMonotone,
  isMostly,
  isTimeOfDay,
  labelOf,
  mayBeDates,
  nonEmpty,
  probe,
  withGroups,
} from "./column_kinds.ts";
import { type Instrument, pickGroup, pickInstrument, symbolColumn } from "./instruments.ts";
import { titleOf } from "./numbers.ts";
import { findColumn } from "./parse_table.ts";
import { failIn, type Note, note, type Table, type TableColumn } from "./table.ts";
import { rankOf, type Role } from "./titles.ts";
import { listed, printable, quoted } from "../printable.ts";

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
  /** The instrument, if the file names one, and its rows. */
  readonly instrument?: Instrument;
  readonly notes: readonly Note[];
}

/**
 * Chooses the columns of a series: by the options, by the titles that sources use, or because there is no other.
 *
 * @throws {TableError} If the file leaves it open; the message lists what there is and names the option.
 */
export function chooseColumns(table: Table, options: ColumnOptions): ChosenColumns {
  const notes: Note[] = [];
  const columns = withGroups(table.columns);
  const date = findDate(table, columns, options);
  const others = columns.filter(({ position }) => position !== date?.position);
  const time = date && others.find(isTimeOfDay);
  const symbols = symbolColumn(table, columns, date, options);
  const instrument = symbols && pickInstrument(table, symbols, options);
  const candidates = others.filter((column) =>
    column.position !== symbols?.position && column.position !== time?.position && !isEmpty(column)
  );
  const group = pickGroupOf();
  const value = options.column === undefined
    ? findValue(table, candidates, { group, notes, series: symbols === undefined ? options.series : undefined })
    : byName(table, inGroup(columns, group), options.column, "--column");
  const beside = inGroup(others, value.group).filter(({ position }) => position !== value.position);
  const unadjusted = rankOf(value.title, "adjusted") < 0 ? undefined : findRole(table, beside, "close");
  const extra = Object.fromEntries((options.need ?? []).map((name) => {
    const title = options.extra?.[name];
    const found = title === undefined ? findRole(table, beside, name) : byName(table, columns, title, "--columns");
    return [
      name,
      found ?? failIn(table.file)(
        `column ${name} is missing; it has ${titlesOf(table)}; --columns ${name}=TITLE names it`,
      ),
    ];
  }));
  const named = instrument ?? (value.group === undefined ? undefined : { name: value.group });
  return {
    ...(date && { date }),
    ...(time && { time }),
    value,
    ...(unadjusted && { unadjusted }),
    extra,
    ...(named && { instrument: named }),
    notes,
  };

  function pickGroupOf(): string | undefined {
    // A title that is named is enough, unless several groups have it.
    const groups = candidates.filter(({ title }) =>
      options.column === undefined || title.toLowerCase() === options.column.toLowerCase()
    );
    return groups.length === 0 ? undefined : pickGroup(table, groups, options.series);
  }
}

function titlesOf(table: Table): string {
  return listed(nonEmpty(table).map(labelOf));
}

function inGroup(columns: readonly TableColumn[], group: string | undefined): readonly TableColumn[] {
  return group === undefined ? columns : columns.filter((column) => column.group === group);
}

/** A column that an option names. */
function byName(table: Table, columns: readonly TableColumn[], name: string, option: string): TableColumn {
  return findColumn({ ...table, columns }, name) ?? findColumn(table, name) ??
    failIn(table.file)(`column ${quoted(name)} is missing; ${option} must be one of ${titlesOf(table)}`);
}

/** The column of the dates: the one that is named, or the one with a title or cells of dates; undefined if there is none. */
export function findDate(
  table: Table,
  columns: readonly TableColumn[],
  { dateColumn }: ColumnOptions,
): TableColumn | undefined {
  if (dateColumn === "none") return undefined;
  if (dateColumn !== undefined) return byName(table, columns, dateColumn, "--date-column");
  const titled = columns.map((column) => ({ column, rank: rankOf(column.title, "date") }))
    .filter(({ column, rank }) => rank >= 0 && !isEmpty(column))
    .sort((a, b) => a.rank - b.rank).map(({ column }) => column);
  // A title such as "time" or "data" may be of something else.
  return titled.find(mayBeDates) ??
    columns.find((column) => isMostly(column, "date") && !isTimeOfDay(column)) ??
    titled.find((column) => isMostly(column, "number") && isMonotone(column)) ??
    columns.find((column) => (column.title === "" || !table.hasHeader) && isEpoch(column)) ??
    titled.find(({ title }) => rankOf(title, "time") < 0 && rankOf(title, "close") < 0);
}

/** The best column of a role. */
function findRole(table: Table, columns: readonly TableColumn[], role: Role): TableColumn | undefined {
  const found = columns.map((column) => ({ column, rank: rankOf(column.title, role) }))
    .filter(({ rank, column }) => rank >= 0 && !isEmpty(column))
    .sort((a, b) => a.rank - b.rank);
  const best = found.filter(({ rank }) => rank === found[0]!.rank).map(({ column }) => column);
  if (best.length > 1) {
    failIn(table.file)(
      `the title ${quoted(best[0]!.title)} must be there once, got it in columns ` +
        `${best.map(({ position }) => position).join(", ")}; name one by its position with --column`,
    );
  }
  return best[0];
}

function findValue(
  table: Table,
  candidates: readonly TableColumn[],
  { group, notes, series }: { group: string | undefined; notes: Note[]; series: string | undefined },
): TableColumn {
  const fail = failIn(table.file);
  const columns = inGroup(candidates, group);
  const [adjusted, close] = [findRole(table, columns, "adjusted"), findRole(table, columns, "close")];
  if (adjusted !== undefined) {
    if (close !== undefined) {
      notes.push(note(
        `column ${titleOf(adjusted)} is read, which splits and dividends do not move; --column ` +
          `${shellWord(printable(close.title))} ` +
          "reads the other",
      ));
    }
    return adjusted;
  }
  const numeric = columns.filter((column) => isMostly(column, "number"));
  if (series !== undefined && group === undefined) {
    return findColumn({ ...table, columns: numeric }, series) ??
      fail(`there is no instrument ${quoted(series)}; --series must be one of ${listed(numeric.map(labelOf))}`);
  }
  if (close !== undefined) return close;
  const measured = numeric.filter((column) => !isCount(column));
  const useful = measured.length > 0 ? measured : numeric;
  const [first] = useful;
  if (first === undefined) {
    return fail(`it must have a column of numbers beside the dates; it has ${titlesOf(table)}; --column names it`);
  }
  if (useful.length === 1) {
    if (table.hasHeader) notes.push(note(`column ${titleOf(first)} is read, the only one of numbers`));
    return first;
  }
  if (table.hasHeader) {
    return fail(
      `several columns may be the one to forecast: ${listed(useful.map(labelOf))}; pick one, such as ` +
        `--column ${shellWord(printable(labelOf(first)))}`,
    );
  }
  const bars = findBars(useful);
  if (bars !== undefined) {
    notes.push(note(
      "without a header, columns " +
        `${bars.map(({ position }) => position).join(", ")} are taken for open, high, low and ` +
        "close, as their values are in that order; --column 2 reads another one",
    ));
    return bars[3]!;
  }
  return fail(
    "it has no header, and several columns may be the one to forecast; its first row is " +
      `${listed(table.columns.map(({ cells }) => cells[0]!))}; name the columns by position, such as ` +
      `--date-column 1 --column ${useful[Math.min(3, useful.length - 1)]!.position}`,
  );
}

/** Four columns side by side of which the second is never below and the third never above the others. */
function findBars(numeric: readonly TableColumn[]): readonly TableColumn[] | undefined {
  const four = numeric.slice(0, 4);
  if (four.length < 4 || four[3]!.position !== four[0]!.position + 3) return undefined;
  const values = four.map((column) => probe(column).map(Number));
  const rows = values[0]!.map((open, row) => ({
    open,
    high: values[1]![row]!,
    low: values[2]![row]!,
    close: values[3]![row]!,
  }));
  const fits = rows.every(({ open, high, low, close }) =>
    high >= Math.max(open, close) && low <= Math.min(open, close)
  );
  return fits && rows.some(({ high, low }) => high > low) ? four : undefined;
}
