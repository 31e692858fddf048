import { Command } from "@commander-js/extra-typings";
// @ts-types="@types/d3-dsv"
import { dsvFormat } from "d3-dsv";
import { readFile } from "../../../shared/files.ts";
import { percent } from "../../../shared/format.ts";
import { print, printable, printData, say } from "../../../shared/printable.ts";
import {
  delimiterOption,
  encodingOption,
  headerOption,
  type LayoutOptions,
  quotesOption,
} from "../../../shared/table_options.ts";
import { labelOf } from "../../../shared/tables/column_kinds.ts";
import { Classifier, type TokenCounts } from "../../classifier/classifier.ts";
import { columnOf, openTextTable } from "../../classifier/labelled_text.ts";
import { linesOf } from "../../lines.ts";
import { decodeText, standardInput } from "../../read_text.ts";
import { AT_ONCE, DEFAULT_CLASSIFIER, textColumnOption, unitOf } from "./options.ts";

export const predict = new Command("predict")
  .description(
    "Classify texts in their order: each line of stdin, printed as its class, the probability of that class, and the " +
      "line, separated by tabs; or the rows of a table, printed with the columns predicted and probability.",
  )
  .argument("[classifier]", "classifier file written by train", DEFAULT_CLASSIFIER)
  .option("--csv <file>", "table to classify, as CSV, TSV, JSON or JSON lines, or - for stdin")
  .addOption(textColumnOption())
  .addOption(encodingOption)
  .addOption(delimiterOption)
  .addOption(quotesOption)
  .addOption(headerOption)
  .option("--json", "print one JSON document per line, with the probabilities of all classes")
  .action(async (path, { csv, textColumn, json = false, ...reading }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const seen = { texts: 0, tokens: 0, unknown: 0, cut: 0 };
    const classifyAll = (texts: readonly string[]) => predictAll(classifier, texts, seen);
    if (csv !== undefined) await predictTable(classifyAll, csv, { ...reading, textColumn, json });
    else await predictLines(classifyAll, { encoding: reading.encoding, json });
    sayUnknown(seen, classifier);
  });

/** The class of a text and the probabilities of all. */
interface Predicted {
  readonly label: string;
  readonly probability: number;
  readonly all: Readonly<Record<string, number>>;
}

/** What was classified so far. */
type Seen = { -readonly [Name in "texts" | keyof TokenCounts]: number };

/** Classifies texts, and adds them to what was seen. A blank one has no class and does not count. */
function predictAll(classifier: Classifier, texts: readonly string[], seen: Seen): (Predicted | undefined)[] {
  const { classes } = classifier.config;
  const found = new Array<Predicted | undefined>(texts.length).fill(undefined);
  const rows = [...texts.keys()].filter((row) => texts[row]!.trim() !== "");
  for (let i = 0; i < rows.length; i += AT_ONCE) {
    const some = rows.slice(i, i + AT_ONCE);
    const tokens = some.map((row) => classifier.tokenizer.encode(texts[row]!));
    seen.texts += some.length;
    for (const [name, count] of Object.entries(classifier.countTokens(tokens))) {
      seen[name as keyof TokenCounts] += count;
    }
    classifier.predictTokens(tokens).forEach(({ label, index, probabilities }, k) => {
      const all = Object.fromEntries(classes.map((name, j) => [name, probabilities[j]!]));
      found[some[k]!] = { label, probability: probabilities[index]!, all };
    });
  }
  return found;
}

type ClassifyAll = (texts: readonly string[]) => (Predicted | undefined)[];

/** Classifies the lines of stdin as they come; a blank line stays one. */
async function predictLines(
  classifyAll: ClassifyAll,
  { encoding, json }: { readonly encoding: string | undefined; readonly json: boolean },
): Promise<void> {
  const printAll = (lines: readonly string[]) => {
    const output = classifyAll(lines).map((found, i) =>
      json
        ? JSON.stringify({ label: found?.label ?? null, probabilities: found?.all ?? null, text: lines[i] })
        : found === undefined
        ? ""
        : `${printable(found.label, Infinity)}\t${found.probability.toFixed(3)}\t${lines[i]!}`
    );
    if (output.length > 0) (json ? print : printData)(output.join("\n"));
  };
  for await (const lines of linesOf(decodeText(standardInput(encoding)))) printAll(lines);
}

/** Classifies the rows of a table and prints it with two more columns, or as JSON lines if it came as these. */
async function predictTable(
  classifyAll: ClassifyAll,
  path: string,
  { textColumn, json, ...reading }: LayoutOptions & { readonly textColumn: string; readonly json: boolean },
): Promise<void> {
  const { table } = await openTextTable(path, reading, { keepBlank: true });
  const { columns, delimiter = ",", format } = table;
  const column = columnOf(table, textColumn, "--text-column");
  const found = classifyAll(column.cells);
  const isJson = json || format !== "CSV";
  const titles = columns.map(labelOf);
  const rows = found.map((one, row) => {
    const cells = columns.map(({ cells }) => cells[row]!);
    if (!isJson) return [...cells, one?.label ?? "", one?.probability.toFixed(3) ?? ""];
    const record = Object.fromEntries(titles.map((title, i) => [title, cells[i]]));
    const scores = { predicted: one?.label ?? null, probability: one?.probability ?? null };
    return JSON.stringify({ ...record, ...scores, ...(json && { probabilities: one?.all ?? null }) });
  });
  const head = [...titles, "predicted", "probability"];
  if (isJson) print(rows.join("\n"));
  else printData(dsvFormat(delimiter === " " ? "\t" : delimiter).formatRows([head, ...rows as string[][]]));
}

/** Says what a classifier could not read of the texts. */
function sayUnknown(
  { texts, tokens, unknown, cut }: Seen,
  classifier: Classifier,
): void {
  const unit = unitOf(classifier.config.tokens);
  if (unknown > 0) {
    say(`note: ${percent(unknown / tokens)} of the ${unit}s are not in the vocabulary of the classifier`);
  }
  if (cut > 0) {
    const { longest, keep } = classifier.config.limit!;
    say(`note: ${cut} of ${texts} texts have more than ${longest} ${unit}s; only their ${keep} was read`);
  }
}
