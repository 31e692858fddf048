import { printable } from "../printable.ts";

/** A file that cannot be read as a table; the message names the file, the place, the value and what to try. */
export class TableError extends Error {
  override readonly name = "TableError";
}

/** Something that was decided or looks odd while a file was read. */
export interface Note {
  /** A note says what was decided; a warning is worth a second look. */
  readonly level: "note" | "warning";
  /** One sentence, safe to print. */
  readonly text: string;
}

/** A column as it is in the file. */
export interface TableColumn {
  /** Its title, or "column 3" in a file without a header. */
  readonly title: string;
  /** Its place; the first one is 1. */
  readonly position: number;
  /** What a second header row says of it, such as a ticker. */
  readonly group?: string;
  /** The cells of all rows. */
  readonly cells: readonly string[];
  /** Whether numbers need no convention because they are JSON numbers. */
  readonly isTyped?: boolean;
}

/** Rows and columns of text. */
export interface Table {
  /** The file's name, for messages. */
  readonly file: string;
  readonly format: "CSV" | "JSON" | "JSON lines";
  /** What is between two cells, if the format has that. */
  readonly delimiter?: string;
  readonly hasHeader: boolean;
  readonly columns: readonly TableColumn[];
  readonly rowCount: number;
  /** The place of a row in words: "line 5", or "row 4" in a JSON document. */
  readonly where: (row: number) => string;
  readonly notes: readonly Note[];
}

/** How a file is to be read where the file itself does not tell. */
export interface TableOptions {
  /** What is between two cells; found from the text if omitted. */
  readonly delimiter?: string;
  /** Whether double quotes are plain characters. */
  readonly plainQuotes?: boolean;
  /** Whether the first row has titles; found from the text if omitted. */
  readonly header?: boolean;
  /** Whether blank lines are rows too. */
  readonly keepBlank?: boolean;
}

/** The most characters of a message. */
const LONGEST = 1000;

/** Throws the error of a file. */
export function failIn(file: string): (problem: string) => never {
  return (problem) => {
    // Whatever a message quotes, and the file's own name, never steers a terminal.
    throw new TableError(printable(`Cannot read ${file}: ${problem}`, LONGEST));
  };
}

export function note(text: string): Note {
  return { level: "note", text: printable(text, LONGEST) };
}

export function warning(text: string): Note {
  return { level: "warning", text: printable(text, LONGEST) };
}

/** A count with its noun: "1 row", "1,200 rows". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
