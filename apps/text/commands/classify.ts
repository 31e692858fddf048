import { Command, Option } from "@commander-js/extra-typings";
// @ts-types="@types/d3-dsv"
import { dsvFormat } from "d3-dsv";
import { progressBar, stopOnSignals } from "@unfold/training";
import { between, integer, sayNotes, UsageError } from "../../shared/cli.ts";
import { prepareFolder, readFile, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { printable } from "../../shared/printable.ts";
import { loadOptimizer } from "../../shared/optimizers.ts";
import { onRanks, stoppedOn } from "../../shared/ranks.ts";
import {
  delimiterOption,
  encodingOption,
  headerOption,
  type LayoutOptions,
  quotesOption,
} from "../../shared/table_options.ts";
import { labelOf } from "../../shared/tables/column_kinds.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { Classifier, type Keep, KEEPS, type TokenCounts } from "../classifier.ts";
import { columnOf, firstNames, LABEL_CASES, openTextTable, readLabelled } from "../labelled_text.ts";
import { decodeText, standardInput } from "../read_text.ts";
import { segment, TOKEN_KINDS, type TokenKind, unitOf } from "../tokenizer.ts";
import { CLASS_WEIGHTS, type ClassifierResult, trainClassifier } from "../train_classifier.ts";
import { DATA_GROUP, trainingCommand, useBlasOption } from "./options.ts";

const DEFAULT_OUT = "runs/classify";
const DEFAULT_CLASSIFIER = `${DEFAULT_OUT}/classifier.safetensors`;
/** The default number of features per token. */
const EMBEDDING = 32;
/** Texts classified at a time. */
const AT_ONCE = 64;

const train = trainingCommand("train", {
  out: DEFAULT_OUT,
  hidden: 50,
  layers: 1,
  embedding: EMBEDDING,
  batchSize: 32,
  learningRate: 5e-3,
})
  .description("Train a classifier on labelled texts.")
  .optionsGroup(DATA_GROUP)
  .option(
    "--csv <file>",
    "CSV, TSV, JSON or JSON lines, - for stdin, or a folder with a folder of text files for each class " +
      "(default: female and male first names)",
  )
  .option("--text-column <title>", "column with the texts, by title or position", "text")
  .option("--label-column <title>", "column with the labels, by title or position", "label")
  .addOption(
    new Option("--label-case <how>", "labels that differ only in case: ask, merge them or keep them apart")
      .choices(LABEL_CASES).default(LABEL_CASES[0]),
  )
  .addOption(encodingOption)
  .addOption(delimiterOption)
  .addOption(quotesOption)
  .addOption(headerOption)
  .addOption(new Option("--tokens <kind>", "unit of text (default: word; char for names)").choices(TOKEN_KINDS))
  .option("--vocabulary <n>", "number of tokens to keep, most frequent first", integer(2), 5000)
  .option("--max-tokens <n>", "maximum number of tokens to read from a text", integer(1), 500)
  .addOption(new Option("--keep <end>", "the end of long texts that is read").choices(KEEPS).default(KEEPS[0]))
  .option("--validation <fraction>", "fraction of the texts for choosing the epoch", between(0, 0.5), 0.1)
  .option("--test <fraction>", "fraction of the texts for testing", between(0, 0.5), 0.1)
  .optionsGroup("Model:")
  .option("--bidirectional", "read texts in both directions")
  .optionsGroup("Training:")
  .option("--epochs <n>", "passes over the training part", integer(1), 10)
  .addOption(
    new Option("--class-weights <how>", "balanced: rare classes count as much as large ones")
      .choices(CLASS_WEIGHTS).default(CLASS_WEIGHTS[0]),
  )
  .action(onRanks(async ({ csv, out, json, blas, maxTokens, ...all }, communicator) => {
    const { textColumn, labelColumn, labelCase, encoding, delimiter, quotes, header, ...options } = all;
    const isFirst = communicator.rank === 0;
    if (textColumn.toLowerCase() === labelColumn.toLowerCase()) {
      throw new UsageError(`--text-column and --label-column must be different columns, got ${textColumn} for both`);
    }
    const optimizer = await loadOptimizer(options.optimizer, options.optimizerOption);
    const reading = { textColumn, labelColumn, labelCase, encoding, delimiter, quotes, header };
    const data = csv === undefined ? await firstNames() : await readLabelled(csv, reading);
    if (isFirst) sayNotes(data.notes ?? []);
    const tokens: TokenKind = options.tokens ?? (csv === undefined ? "char" : "word");
    const { bidirectional = false, embedding = EMBEDDING } = options;
    const settings = { ...options, longest: maxTokens, tokens, bidirectional, embedding };
    if (isFirst) sayCut(data.texts, settings);
    await prepareFolder(out);
    useBlasOption(blas, communicator);
    using stop = stopOnSignals();
    const samples = Math.round(data.texts.length * (1 - settings.validation - settings.test));
    const onEvent = isFirst ? progressBar({ epochs: settings.epochs, samples }) : () => {};
    const result = await trainClassifier(data, settings, { optimizer, onEvent, signal: stop.signal, communicator });
    if (result === undefined) throw stoppedOn(communicator, "Nothing was written.", stop.exitCode);
    if (!isFirst) return;
    const { classifier, calibration: { error, bins }, ...rest } = result;
    const calibration = { error, bins: bins.filter(({ count }) => count > 0) };
    const summary = {
      data: { source: data.name, texts: data.texts.length },
      settings,
      classes: classifier.config.classes,
      ...rest,
      calibration,
    };
    await writeFiles(out, {
      "classifier.safetensors": classifier.toFile(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
    });
    if (json) return console.log(JSON.stringify(summary, null, 2));
    console.log(`Written to ${out}: classifier.safetensors, metrics.json\n\n${resultText(data.name, result)}`);
  }));

/** Says how many texts are longer than what is read of them. */
function sayCut(texts: readonly string[], { tokens, longest, keep }: ClassifierConfigPart): void {
  const lengthOf = (text: string) =>
    tokens === "byte" ? new TextEncoder().encode(text).length : [...segment(tokens, text)].length;
  // A token has a character at least.
  const lengths = texts.filter(({ length }) => length > longest).map(lengthOf).filter((length) => length > longest);
  if (lengths.length === 0) return;
  console.error(
    `warning: ${lengths.length} of ${texts.length} texts have more than ${longest} ` +
      `${unitOf(tokens)}s (the longest has ` +
      `${lengths.reduce((a, b) => Math.max(a, b))}), and only their ${keep} is read; --max-tokens reads more, --keep ` +
      `${keep === "start" ? "end" : "start"} reads the other end`,
  );
}

/** The settings of how a text is read. */
type ClassifierConfigPart = { readonly tokens: TokenKind; readonly longest: number; readonly keep: Keep };

const predict = new Command("predict")
  .description(
    "Classify texts in their order: each line of stdin, printed as its class, the probability of that class, and the " +
      "line, separated by tabs; or the rows of a table, printed with the columns predicted and probability.",
  )
  .argument("[classifier]", "classifier file written by train", DEFAULT_CLASSIFIER)
  .option("--csv <file>", "table to classify, as CSV, TSV, JSON or JSON lines, or - for stdin")
  .option("--text-column <title>", "with --csv: column with the texts, by title or position", "text")
  .addOption(encodingOption)
  .addOption(delimiterOption)
  .addOption(quotesOption)
  .addOption(headerOption)
  .option("--json", "print one JSON document per line, with the probabilities of all classes")
  .action(async (path, { csv, textColumn, json = false, ...reading }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const seen = { texts: 0, tokens: 0, unknown: 0, cut: 0 };
    const classifyAll = (texts: readonly string[]) => {
      const counts = classifier.count(texts);
      seen.texts += texts.filter((text) => text.trim() !== "").length;
      for (const name of ["tokens", "unknown", "cut"] as const) seen[name] += counts[name];
      return predictAll(classifier, texts);
    };
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

/** Classifies texts; a blank one has no class. */
function predictAll(classifier: Classifier, texts: readonly string[]): (Predicted | undefined)[] {
  const { classes } = classifier.config;
  const found = new Array<Predicted | undefined>(texts.length).fill(undefined);
  const rows = [...texts.keys()].filter((row) => texts[row]!.trim() !== "");
  for (let i = 0; i < rows.length; i += AT_ONCE) {
    const some = rows.slice(i, i + AT_ONCE);
    classifier.predict(some.map((row) => texts[row]!)).forEach(({ label, index, probabilities }, k) => {
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
  // A terminal would obey control characters in a text.
  const shown = (line: string) => Deno.stdout.isTerminal() ? printable(line, Infinity) : line;
  const print = (lines: readonly string[]) => {
    const output = classifyAll(lines).map((found, i) =>
      json
        ? JSON.stringify({ label: found?.label ?? null, probabilities: found?.all ?? null, text: lines[i] })
        : found === undefined
        ? ""
        : `${found.label}\t${found.probability.toFixed(3)}\t${shown(lines[i]!)}`
    );
    if (output.length > 0) console.log(output.join("\n"));
  };
  let rest = "";
  for await (const text of decodeText(standardInput(encoding))) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    print(lines);
  }
  if (rest !== "") print([rest]);
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
  console.log(
    isJson
      ? rows.join("\n")
      : dsvFormat(delimiter === " " ? "\t" : delimiter).formatRows([head, ...rows as string[][]]),
  );
}

/** Says what a classifier could not read of the texts. */
function sayUnknown(
  { texts, tokens, unknown, cut }: TokenCounts & { readonly texts: number },
  { config: { longest, tokens: kind, keep = "start" } }: Classifier,
): void {
  if (unknown > 0) {
    const share = percent(unknown / tokens);
    console.error(`note: ${share} of the ${unitOf(kind)}s are not in the vocabulary of the classifier`);
  }
  if (cut > 0) {
    console.error(
      `note: ${cut} of ${texts} texts have more than ${longest} ${unitOf(kind)}s; only their ${keep} was read`,
    );
  }
}

const exportOnnx = new Command("export")
  .description("Export a trained classifier as ONNX.")
  .argument("[classifier]", "classifier file written by train", DEFAULT_CLASSIFIER)
  .option("--out <file>", "ONNX file to write; FILE.json describes it (default: next to the classifier)")
  .action(async (path, { out }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const { exportClassifier } = await import("../export.ts");
    await writeOnnx(path, out, exportClassifier(classifier));
  });

export const classify = new Command("classify")
  .description("Classify texts: train on labelled texts, predict the class of lines from stdin, export as ONNX.")
  .addCommand(train, { isDefault: true })
  .addCommand(predict)
  .addCommand(exportOnnx)
  .addHelpText("after", () => `\nThe default command is train:\n\n${train.helpInformation()}`);

/** The test results as text. */
function resultText(name: string, { parts, classifier, ...result }: ClassifierResult): string {
  const { classes } = classifier.config;
  const { confusion, calibration, majority, perClass, tokens } = result;
  const unit = unitOf(classifier.config.tokens);
  const bins = calibration.bins.filter(({ count }) => count > 0);
  return [
    `${name}: trained on ${parts.train} texts; ${parts.validation} chose the epoch (${result.bestEpoch}); ` +
    `tested on ${parts.test}.`,
    "",
    table(["actual \\ predicted", ...classes], classes.map((label, i) => [label, ...confusion[i]!.map(String)])),
    "",
    table(
      ["class", "training texts", "test texts", "precision", "recall", "F1"],
      classes.map((label, i) => {
        const { train, test, precision, recall, f1 } = perClass[i]!;
        return [label, String(train), String(test), percent(precision), percent(recall), f1.toFixed(3)];
      }),
    ),
    "",
    table(
      ["confidence", "texts", "mean confidence", "accuracy"],
      bins.map(({ from, to, count, confidence, accuracy }) => [
        `${percent(from)} to ${percent(to)}`,
        String(count),
        percent(confidence),
        percent(accuracy),
      ]),
    ),
    "",
    ...(tokens.test.unknown === 0
      ? []
      : [`Not in the vocabulary: ${percent(tokens.test.unknown / tokens.test.tokens)} of the test part's ${unit}s.`]),
    `Balanced accuracy ${percent(result.balancedAccuracy)}, macro F1 ` +
    `${result.macroF1.toFixed(3)}, expected calibration ` +
    `error ${percent(calibration.error)}.`,
    `Accuracy ${percent(result.accuracy)}; ` +
    `always predicting "${majority.label}", the most frequent class in training, gives ${percent(majority.accuracy)}.`,
  ].join("\n");
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
