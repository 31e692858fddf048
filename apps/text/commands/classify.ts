import { Command, Option } from "@commander-js/extra-typings";
import { progressBar, stopOnSignals } from "@unfold/training";
import { between, integer, UsageError } from "../../shared/cli.ts";
import { prepareFolder, readFile, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { loadOptimizer } from "../../shared/optimizers.ts";
import { onRanks, stoppedOn } from "../../shared/ranks.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { Classifier } from "../classifier.ts";
import { firstNames, readLabelled } from "../labelled_text.ts";
import { decodeText, standardInput } from "../read_text.ts";
import { TOKEN_KINDS, type TokenKind } from "../tokenizer.ts";
import { type ClassifierResult, trainClassifier } from "../train_classifier.ts";
import { DATA_GROUP, trainingCommand, useBlasOption } from "./options.ts";

const DEFAULT_OUT = "runs/classify";
const DEFAULT_CLASSIFIER = `${DEFAULT_OUT}/classifier.safetensors`;
/** The default number of features per token. */
const EMBEDDING = 32;
/** Lines classified at a time. */
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
  .option("--csv <file>", "CSV or TSV file (default: female and male first names)")
  .option("--text-column <title>", "column with the texts", "text")
  .option("--label-column <title>", "column with the labels", "label")
  .addOption(new Option("--tokens <kind>", "unit of text (default: word; char for names)").choices(TOKEN_KINDS))
  .option("--vocabulary <n>", "number of tokens to keep, most frequent first", integer(2), 5000)
  .option("--longest <tokens>", "maximum number of tokens to read from a text", integer(1), 500)
  .option("--validation <fraction>", "fraction of the texts for choosing the epoch", between(0, 0.5), 0.1)
  .option("--test <fraction>", "fraction of the texts for testing", between(0, 0.5), 0.1)
  .optionsGroup("Model:")
  .option("--bidirectional", "read texts in both directions")
  .optionsGroup("Training:")
  .option("--epochs <n>", "passes over the training part", integer(1), 10)
  .action(onRanks(async ({ csv, textColumn, labelColumn, out, json, blas, ...options }, communicator) => {
    if (textColumn.toLowerCase() === labelColumn.toLowerCase()) {
      throw new UsageError(`--text-column and --label-column must be different columns, got ${textColumn} for both`);
    }
    const optimizer = await loadOptimizer(options.optimizer, options.optimizerOption);
    const data = csv === undefined ? await firstNames() : await readLabelled(csv, { textColumn, labelColumn });
    const tokens: TokenKind = options.tokens ?? (csv === undefined ? "char" : "word");
    const { bidirectional = false, embedding = EMBEDDING } = options;
    const settings = { ...options, tokens, bidirectional, embedding };
    await prepareFolder(out);
    useBlasOption(blas, communicator);
    using stop = stopOnSignals();
    const samples = Math.round(data.texts.length * (1 - settings.validation - settings.test));
    const isFirst = communicator.rank === 0;
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

const predict = new Command("predict")
  .description(
    "Classify each non-blank line of stdin; print its class, the probability of that class, and the line, " +
      "separated by tabs.",
  )
  .argument("[classifier]", "classifier file written by train", DEFAULT_CLASSIFIER)
  .option("--json", "print one JSON document per line, with the probabilities of all classes")
  .action(async (path, { json }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const { classes } = classifier.config;
    const print = (lines: readonly string[]) => {
      classifier.predict(lines).forEach(({ label, index, probabilities }, i) => {
        const all = Object.fromEntries(classes.map((name, k) => [name, probabilities[k]]));
        console.log(
          json
            ? JSON.stringify({ label, probabilities: all, text: lines[i] })
            : `${label}\t${probabilities[index]!.toFixed(3)}\t${lines[i]}`,
        );
      });
    };
    let rest = "";
    for await (const text of decodeText(standardInput())) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop()!;
      const full = lines.filter((line) => line.trim() !== "");
      for (let i = 0; i < full.length; i += AT_ONCE) print(full.slice(i, i + AT_ONCE));
    }
    if (rest.trim() !== "") print([rest]);
  });

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
  const { confusion, calibration, majority } = result;
  const untested = classes.filter((_, i) => confusion[i]!.every((count) => count === 0));
  const bins = calibration.bins.filter(({ count }) => count > 0);
  return [
    `${name}: trained on ${parts.train} texts; ${parts.validation} chose the epoch (${result.bestEpoch}); ` +
    `tested on ${parts.test}.`,
    "",
    table(["actual \\ predicted", ...classes], classes.map((label, i) => [label, ...confusion[i]!.map(String)])),
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
    `Macro F1 ${result.macroF1.toFixed(3)}, expected calibration error ${percent(calibration.error)}.`,
    ...(untested.length === 0 ? [] : [`Classes without a test text: ${untested.join(", ")}.`]),
    `Accuracy ${percent(result.accuracy)}; ` +
    `always predicting "${majority.label}", the most frequent class in training, gives ${percent(majority.accuracy)}.`,
  ].join("\n");
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
