import { kindOf } from "./cell_kinds.ts";
import { findLayout, quoteProblem, spacesToTabs, widthProblem } from "./layout.ts";
import { parseJson } from "./parse_json.ts";
import { parseRows } from "./parse_rows.ts";
import { counted, failIn, type Note, note, type Table, type TableColumn, type TableOptions } from "./table.ts";
import { quoted } from "../printable.ts";

/** Different values that a column of labels has at most. */
const MOST_LABELS = 50;

/**
 * Reads a table from text: separated values with or without a header, a JSON document or JSON lines.
 *
 * @param text The file's contents.
 * @param file Its name, for messages.
 * @throws {TableError} If a row has not as many cells as the header, or a quote swallows rows.
 */
export function parseTable(text: string, file: string, options: TableOptions = {}): Table {
  // One kind of line end is enough for all that follows.
  const lines = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  const content = lines.startsWith("\uFEFF") ? lines.slice(1) : lines;
  if (/^\s{0,1000}<(?:!doctype|html|\?xml|head)\b/i.test(content)) {
    failIn(file)("it must be a table, got a web page or XML; download the file itself, as CSV or JSON");
  }
  const json = options.delimiter === undefined ? parseJson(content, file) : undefined;
  return json ?? parseSeparated(content, file, options);
}

function parseSeparated(text: string, file: string, options: TableOptions): Table {
  const fail = failIn(file);
  const { delimiter, width, titles, groups, firstDataLine, notes: found } = findLayout(text, file, options);
  const isSpaced = delimiter === " ";
  const { offset, line: firstLine } = offsetOf(text, firstDataLine);
  const body = text.slice(offset);
  const cells = Array.from({ length: width }, (): string[] => []);
  const lines: number[] = [];
  const broken: { row: number; column: number }[] = [];
  const comments: number[] = [];
  const fault = parseRows(isSpaced ? spacesToTabs(body) : body, {
    delimiter: isSpaced ? "\t" : delimiter,
    plainQuotes: options.plainQuotes ?? false,
    firstLine,
  }, (row, line) => {
    const { length } = row;
    if (length === 1 && width > 1) {
      const [only] = row as [string];
      if (only.trim() === "" && !options.keepBlank) return;
      if (/^\s*#/.test(only)) return void comments.push(line);
    }
    if (length !== width) {
      const isBlank = row.every((cell) => cell.trim() === "");
      if (isBlank && !options.keepBlank) return;
      const extra = row.slice(width).every((cell) => cell.trim() === "");
      if (!isBlank && (length < width || !extra)) fail(`line ${line}: ${widthProblem(width, length, delimiter)}`);
    } else if (row[0] === "" && !options.keepBlank && row.every((cell) => cell.trim() === "")) return;
    for (let column = 0; column < width; column++) {
      const cell = row[column] ?? "";
      cells[column]!.push(cell);
      if (cell.includes("\n")) broken.push({ row: lines.length, column });
    }
    lines.push(line);
  });
  if (fault !== undefined) fail(quoteProblem(fault));
  const notes: Note[] = [...found];
  if (comments.length > 0) {
    notes.push(note(`${counted(comments.length, "line")} of comment skipped, the first is line ${comments[0]}`));
  }
  const columns = cells.map((cells, index): TableColumn => ({
    title: clean(titles?.[index] ?? "") || (titles === undefined ? `column ${index + 1}` : ""),
    position: index + 1,
    ...(groups?.[index] && { group: groups[index] }),
    cells,
  })).filter(({ title, cells }, index) => title !== "" || cells.some((cell) => cell.trim() !== "") || index === 0);
  const table: Table = {
    file,
    format: "CSV",
    delimiter,
    hasHeader: titles !== undefined,
    columns,
    rowCount: lines.length,
    where: (row) => `line ${lines[row]}`,
    notes,
  };
  checkBroken(cells, broken, delimiter, (row) =>
    fail(
      `${table.where(row)}: the double quote that opens a cell swallows the rows after it up to the next quote; ` +
        'write a quote inside a quoted cell twice (""), or read quotes as plain characters by --quotes plain',
    ));
  return table;
}

/** A title without what some programs write around it. */
function clean(title: string): string {
  return title.trim().replace(/^<(.*)>$/, "$1").trim();
}

/** Where a line begins. */
function offsetOf(text: string, line: number): { offset: number; line: number } {
  let offset = 0;
  for (let at = 1; at < line; at++) {
    const end = text.indexOf("\n", offset);
    if (end < 0) return { offset: text.length, line: at };
    offset = end + 1;
  }
  return { offset, line };
}

/**
 * Refuses cells that hold whole rows: a line inside the cell has as many cells as a row, and fits the other rows in a
 * column of dates, numbers or a few labels.
 */
function checkBroken(
  columns: readonly (readonly string[])[],
  broken: readonly { readonly row: number; readonly column: number }[],
  delimiter: string,
  fail: (row: number) => void,
): void {
  if (broken.length === 0) return;
  const width = columns.length;
  const tests = columns.map(testOf);
  /** Whether cells from a column on fit the other rows: in all columns of dates and numbers, and in one of labels. */
  const fits = (cells: readonly string[], from: number, to = width) => {
    const tested = tests.slice(from, to).map((test, i) => test && { isLabel: test.isLabel, fits: test.fits(cells[i]!) })
      .filter((test) => test !== undefined);
    const labels = tested.filter(({ isLabel }) => isLabel);
    return tested.length > 0 && tested.every(({ isLabel, fits }) => isLabel || fits) &&
      (labels.length === 0 || labels.some(({ fits }) => fits));
  };
  for (const { row, column } of broken) {
    const parts = columns[column]![row]!.split("\n").slice(0, 1000);
    parts.forEach((part, i) => {
      const cells = part.split(delimiter);
      if (cells.length < 2) return;
      // The first part lacks the cells before its own, the last one those after it.
      const isRow = i === 0
        ? cells.length === width - column && fits(cells, column)
        : i === parts.length - 1
        ? cells.length === column + 1 && fits(cells, 0, column)
        : cells.length === width && fits(cells, 0);
      if (isRow) fail(row);
    });
  }
}

/** A test of whether a cell fits a column of few labels, or of dates and numbers; other columns have none. */
function testOf(cells: readonly string[]): { isLabel: boolean; fits: (cell: string) => boolean } | undefined {
  const some = cells.filter((cell) => !cell.includes("\n"));
  const labels = new Set<string>();
  for (const cell of some) if (labels.size <= MOST_LABELS) labels.add(cell.trim());
  if (labels.size <= Math.min(MOST_LABELS, some.length / 2)) {
    return { isLabel: true, fits: (cell) => labels.has(cell.trim()) };
  }
  const kinds = some.slice(0, 100).map(kindOf);
  const isTyped = (kind: string) => kind === "date" || kind === "number";
  return kinds.some(isTyped) && !kinds.includes("text")
    ? { isLabel: false, fits: (cell) => isTyped(kindOf(cell)) }
    : undefined;
}

/** The column of a title, whatever its case; of a position; or undefined. */
export function findColumn(table: Table, name: string): TableColumn | undefined {
  const { columns, file } = table;
  const wanted = name.trim();
  const exact = columns.filter(({ title }) => title === wanted);
  const found = exact.length > 0 ? exact : columns.filter(({ title }) => title.toLowerCase() === wanted.toLowerCase());
  if (found.length > 1) {
    const places = found.map(({ position }) => position).join(", ");
    failIn(file)(
      `the title ${quoted(wanted)} must be there once, got it in columns ${places}; name one by its position`,
    );
  }
  if (found.length === 1) return found[0];
  const position = /^(?:#|column )?(\d{1,4})$/i.exec(wanted)?.[1];
  return columns.find((column) => column.position === Number(position));
}
