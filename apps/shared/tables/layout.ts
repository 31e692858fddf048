import { kindOf } from "./cell_kinds.ts";
import { parseRows, type QuoteFault } from "./parse_rows.ts";
import { counted, failIn, type Note, note, type TableOptions } from "./table.ts";
import { printable, quoted } from "../printable.ts";
import { hasPriceTitles, isDateTitle, isPriceTitle } from "./titles.ts";

/** Where the table is in a text, and how its rows are cut. */
export interface Layout {
  readonly delimiter: string;
  /** Cells in a row of the table. */
  readonly width: number;
  /** Titles by column; none in a file without a header. */
  readonly titles?: readonly string[];
  /** What a second header row says of each column, such as a ticker. */
  readonly groups?: readonly string[];
  /** The line of the first row of data. */
  readonly firstDataLine: number;
  readonly notes: readonly Note[];
}

interface SampleRow {
  readonly cells: readonly string[];
  readonly line: number;
}

/** Commas last, since they are in numbers too. */
const DELIMITERS = ["\t", ";", "|", ","] as const;
/** What messages call them. */
const NAMES: Readonly<Record<string, string>> = {
  ",": "commas",
  ";": "semicolons",
  "\t": "tabs",
  "|": "vertical bars",
  " ": "spaces",
};
/** Characters and rows that decide about the layout, and lines that do however long they are. */
const [SAMPLE, SAMPLE_ROWS, LEAST_LINES] = [1 << 18, 200, 8];
/** Rows before the header, and rows of a header, at most. */
const [MOST_PREAMBLE, MOST_HEADER] = [40, 4];

/** What messages call a delimiter. */
export function delimiterName(delimiter: string): string {
  return NAMES[delimiter] ?? quoted(delimiter);
}

/** Finds the delimiter, the preamble and the header of a text with \n between its lines. */
export function findLayout(text: string, file: string, options: TableOptions): Layout {
  const start = skipComments(text);
  const sample = cutSample(text, start.offset);
  if (sample.trim() === "") {
    failIn(file)("it must have a header and rows, got " + (text.trim() === "" ? "an empty file" : "comments alone"));
  }
  const delimiter = options.delimiter ?? sniffDelimiter(sample, options);
  const isWhole = start.offset + sample.length >= text.length;
  const { rows, fault } = sampleRows(delimiter === " " ? spacesToTabs(sample) : sample, {
    ...options,
    delimiter: delimiter === " " ? "\t" : delimiter,
    firstLine: start.line,
  });
  // A quote that the end of the sample cuts off is no fault.
  if (fault !== undefined && (isWhole || fault.kind !== "never closed" || rows.length === 0)) {
    failIn(file)(quoteProblem(fault));
  }
  return layoutOf(rows, { ...options, delimiter, file, comments: start.comments });
}

/** What is wrong with a quote, and what to do about it. */
export function quoteProblem({ line, kind }: QuoteFault): string {
  const what = kind === "never closed"
    ? "is never closed and would swallow all rows after it"
    : "is followed by more text after its closing quote, so that rows would run together";
  return `line ${line}: the double quote that opens a cell ${what}; write a quote inside a quoted cell twice (""), ` +
    "or read quotes as plain characters by --quotes plain";
}

/** The blank lines and lines of comment before a table. */
function skipComments(text: string): { offset: number; line: number; comments: readonly string[] } {
  const comments: string[] = [];
  let [offset, line] = [0, 1];
  while (offset < text.length) {
    const end = text.indexOf("\n", offset);
    const whole = text.slice(offset, end < 0 ? text.length : end);
    if (whole.trim() !== "" && !/^\s*(?:#|\/\/)/.test(whole)) break;
    // Excel writes the delimiter into such a first line.
    if (whole.trim() !== "") comments.push(whole.trim());
    if (end < 0) return { offset: text.length, line, comments };
    [offset, line] = [end + 1, line + 1];
  }
  return { offset, line, comments };
}

function cutSample(text: string, offset: number): string {
  if (text.length - offset <= SAMPLE) return text.slice(offset);
  let end = offset;
  for (let line = 0; line < LEAST_LINES; line++) {
    end = text.indexOf("\n", end) + 1;
    if (end === 0) return text.slice(offset);
  }
  return text.slice(offset, Math.max(end, text.lastIndexOf("\n", offset + SAMPLE) + 1));
}

function sampleRows(
  sample: string,
  options: { readonly delimiter: string; readonly plainQuotes?: boolean; readonly firstLine?: number },
): { rows: SampleRow[]; fault: QuoteFault | undefined } {
  const rows: SampleRow[] = [];
  const fault = parseRows(sample, options, (cells, line) => {
    if (cells.some((cell) => cell.trim() !== "")) rows.push({ cells, line });
    return rows.length < SAMPLE_ROWS;
  });
  return { rows, fault };
}

/** Cells between runs of spaces, as some programs align them. */
export function spacesToTabs(text: string): string {
  return text.split("\n").map((line) => line.trim().replace(/\s+/g, "\t")).join("\n");
}

/** The delimiter whose rows agree best in their number of cells and have most dates and numbers in them. */
function sniffDelimiter(sample: string, options: TableOptions): string {
  const declared = /^sep=(.)\n/.exec(sample)?.[1];
  if (declared !== undefined) return declared;
  let best = { delimiter: ",", score: 0 };
  for (const delimiter of DELIMITERS) {
    const { rows } = sampleRows(sample, { ...options, delimiter });
    const { width, share } = widthOf(rows);
    if (width < 2) continue;
    const cells = rows.filter(({ cells }) => cells.length === width).flatMap(({ cells }) => cells);
    const score = share + 0.5 * typedShare(cells);
    if (score > best.score + 1e-9) best = { delimiter, score };
  }
  if (best.score > 0.6) return best.delimiter;
  const { rows } = sampleRows(spacesToTabs(sample), { ...options, delimiter: "\t" });
  const { width, share } = widthOf(rows);
  const typed = typedShare(rows.slice(rows.length >> 1).flatMap(({ cells }) => cells));
  return width >= 2 && share >= 0.8 && typed >= 0.5 ? " " : best.delimiter;
}

/** The most frequent number of cells, and the share of the rows that have it. */
function widthOf(rows: readonly SampleRow[]): { width: number; share: number } {
  const counts = new Map<number, number>();
  for (const { cells } of rows) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  let [width, most] = [0, 0];
  for (const [length, count] of counts) {
    if (count > most || (count === most && length > width)) [width, most] = [length, count];
  }
  return { width, share: most / Math.max(1, rows.length) };
}

function typedShare(cells: readonly string[]): number {
  const typed = cells.filter((cell) => kindOf(cell) !== "text").length;
  return typed / Math.max(1, cells.length);
}

/** A row without empty cells at its end, down to a width. */
function trimmedTo(cells: readonly string[], width: number): readonly string[] {
  let end = cells.length;
  while (end > width && cells[end - 1]!.trim() === "") end--;
  return end === cells.length ? cells : cells.slice(0, end);
}

function layoutOf(
  all: readonly SampleRow[],
  { delimiter, file, header, comments }: TableOptions & {
    readonly delimiter: string;
    readonly file: string;
    readonly comments: readonly string[];
  },
): Layout {
  const fail = failIn(file);
  const notes: Note[] = [];
  if (all.length === 0) fail("it must have a header and rows, got only blank lines, delimiters and comments");
  const declares = /^sep=.$/.test(all[0]!.cells.join(delimiter).trim()) || /^sep=/.test(all[0]!.cells[0]!);
  const rows = declares ? all.slice(1) : all;
  if (rows.length === 0) fail("it must have a header and rows, got neither");
  const { width: full } = widthOf(rows);
  let first = rows.findIndex(({ cells }, i) =>
    cells.length === full ||
    (cells.length > 1 && cells.length === full - 1 && (rows[i + 1]?.cells.length ?? full) === full) ||
    trimmedTo(cells, full).length === full
  );
  if (first < 0) first = 0;
  if (first > MOST_PREAMBLE) {
    fail(`line ${rows[first]!.line}: the table must begin within its first ${MOST_PREAMBLE} lines`);
  }
  // A header that is shorter than its rows is no preamble.
  const short = rows.slice(0, first).findLast(({ cells }) => cells.length > 1 && looksLikeHeader(cells));
  if (short !== undefined) {
    const { line } = rows[first]!;
    fail(`line ${line}: ${widthProblem(short.cells.length, full, delimiter)}`);
  }
  const body = rows.slice(first);
  const typed = typedColumns(body, full);
  const isData = (cells: readonly string[]) => {
    const kinds = typed.map((column) => kindOf(cells[column] ?? ""));
    return kinds.some((kind) => kind === "number" || kind === "date") && kinds.every((kind) => kind !== "text");
  };
  let headers = 0;
  if (typed.length > 0) {
    const [first, second] = body.slice(0, 2).map(({ cells }) => axisIn(cells, typed));
    if (body.length > 1 && first !== undefined && first !== second) headers = 1;
    while (headers < Math.min(body.length, MOST_HEADER) && !isData(body[headers]!.cells)) headers++;
    if (headers === MOST_HEADER || headers === body.length) headers = 1;
  } else headers = 1;
  if (header !== undefined) headers = header ? Math.max(1, headers) : 0;
  if (first > 0) {
    const [{ cells, line }] = rows as [SampleRow];
    const what = first === 1 ? `line ${line}` : `the ${first} lines from ${line} to ${rows[first - 1]!.line}`;
    notes.push(
      note(`${what} before the header ${first === 1 ? "is" : "are"} skipped: ${quoted(cells.join(delimiter))}`),
    );
  }
  // numpy and others write the header as a comment.
  const comment = comments.at(-1)?.replace(/^(?:#|\/\/)\s*/, "");
  const commented = comment?.split(delimiter === " " ? /\s+/ : delimiter).map((cell) => cell.trim());
  const usesComment = headers === 0 && header !== false && typed.length > 0 && commented?.length === full &&
    looksLikeHeader(commented);
  const data = body[headers] ?? body.at(-1)!;
  const base = { delimiter, firstDataLine: body[headers]?.line ?? Infinity };
  if (usesComment) return { ...base, width: full, titles: commented, notes };
  if (headers === 0) return { ...base, width: full, notes };
  const { titles, groups, notes: more } = titlesOf(body.slice(0, headers).map(({ cells }) => cells));
  notes.push(...more);
  return { ...base, ...fitTitles(titles, body.slice(headers), data.line), ...(groups && { groups }), notes };

  /** Titles for the full width: a row may have a name of its own before, or a delimiter too many after its cells. */
  function fitTitles(
    titles: readonly string[],
    data: readonly SampleRow[],
    line: number,
  ): { titles: readonly string[]; width: number } {
    const kept = trimmedTo(titles, 1);
    const cells = data.map(({ cells }) => cells);
    if (titles.length >= full || data.length === 0) return { titles, width: titles.length };
    if (cells.every((row) => trimmedTo(row, kept.length).length <= kept.length)) {
      return { titles: kept, width: kept.length };
    }
    const isCount = cells.every((row, i) => /^"?\d+"?$/.test(row[0]!) && Number(row[0]) === Number(cells[0]![0]) + i);
    const isIndex = cells.every((row) => kindOf(row[0]!) === "date") && !titles.some(isDateTitle) && titles.length > 1;
    if (titles.length === full - 1 && (isCount || isIndex) && cells.every((row) => row.length === full)) {
      return { titles: ["", ...titles], width: full };
    }
    return fail(`line ${line}: ${widthProblem(titles.length, full, delimiter)}`);
  }
}

/** What is wrong with a row that has not as many cells as it must. */
export function widthProblem(width: number, got: number, delimiter: string): string {
  const name = delimiterName(delimiter);
  const hint = got > width
    ? `a cell with ${name} in it must be in double quotes, such as ` +
      `${delimiter === "," ? '"1,234.5"' : `"a${printable(delimiter)}b"`}`
    : "the row may be cut off, or be no part of the table: complete it or remove it";
  return `it must have ${counted(width, "cell")} as the header has, got ${got}; ${hint}`;
}

function looksLikeHeader(cells: readonly string[]): boolean {
  return cells.some((cell) => isDateTitle(cell) || isPriceTitle(cell)) && cells.every((cell) => cell.length <= 60);
}

/** Columns that have dates or numbers in nearly all of the later rows. */
function typedColumns(rows: readonly SampleRow[], width: number): number[] {
  const later = rows.slice(Math.min(rows.length - 1, Math.max(1, rows.length >> 1)));
  return Array.from({ length: width }, (_, column) => column).filter((column) => {
    const kinds = later.map(({ cells }) => kindOf(cells[column] ?? ""));
    const typed = kinds.filter((kind) => kind === "number" || kind === "date").length;
    return typed > 0 && kinds.filter((kind) => kind === "text").length <= 0.2 * typed;
  });
}

/** The least titles that make an axis of dates or counts. */
const LEAST_AXIS = 3;

/** Whether the cells of typed columns are dates side by side, or count: as titles do, and values do not. */
function axisIn(cells: readonly string[], typed: readonly number[]): "dates" | "counts" | undefined {
  const own = typed.map((column) => (cells[column] ?? "").trim());
  const dates = own.filter((cell) => kindOf(cell) === "date").length;
  if (dates >= LEAST_AXIS && dates >= own.length - 2) return "dates";
  const counts = own.map((cell) => /^\d{1,4}$/.test(cell) ? Number(cell) : NaN);
  return own.length >= LEAST_AXIS && counts.every((count, i) => count === counts[0]! + i) ? "counts" : undefined;
}

/** Whether the first cell of a row of tickers is one that libraries write. */
function isGroupTitle(title: string): boolean {
  return title === "" || /^(?:price|ticker|symbol|attribute|variable|field|unnamed.*)s?$/i.test(title) ||
    isDateTitle(title);
}

/** One title a column from one header row or several. */
function titlesOf(
  headers: readonly (readonly string[])[],
): { titles: readonly string[]; groups?: readonly string[]; notes: Note[] } {
  const rows = headers.map((cells) => cells.map((cell) => cell.trim()));
  // The name of the index is alone in its row.
  const index = rows.findLastIndex((cells, i) =>
    i > 0 && cells[0] !== "" && cells.slice(1).every((cell) => cell === "")
  );
  const name = index < 0 ? undefined : rows[index]![0]!;
  const named = rows.filter((_, i) => i !== index);
  if (named.length === 1) {
    const [titles] = named as [string[]];
    return { titles: name === undefined ? titles : [name, ...titles.slice(1)], notes: [] };
  }
  const fields = named.findIndex((cells) => hasPriceTitles(cells.slice(1)));
  if (fields < 0) {
    const titles = named[0]!;
    const others = named.slice(1).map((cells) => quoted(cells.join(" "))).join(", ");
    return { titles, notes: [note(`rows below the titles that are no data are skipped: ${others}`)] };
  }
  const [titles, other] = [named[fields]!, named[fields === 0 ? 1 : 0]!];
  // A line of text before the header that happens to have as many cells.
  if (fields > 0 && !isGroupTitle(other[0]!)) {
    return { titles, notes: [note(`a line before the header is skipped: ${quoted(other.join(" "))}`)] };
  }
  let last = "";
  // Spreadsheets write a title that spans columns into the first of them.
  const groups = other.map((cell, i) => i === 0 ? "" : last = cell === "" ? last : cell);
  const tickers = [...new Set(groups.slice(1).filter((group) => group !== ""))];
  // One below another: units, if they say something else of each column.
  if (isDateTitle(titles[0]!) && /[()\[\]%]/.test(other.join(""))) return { titles, notes: [] };
  const first = name ?? (isDateTitle(titles[0]!) ? titles[0]! : "");
  return {
    titles: [first, ...titles.slice(1)],
    groups,
    notes: tickers.length === 1 ? [note(`the header has several rows; they name ${quoted(tickers[0]!)}`)] : [],
  };
}
