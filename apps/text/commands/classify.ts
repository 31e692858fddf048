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
import { trainingCommand, useBlasOption } from "./options.ts";

const DEFAULT_OUT = "runs/classify";
const DEFAULT_CLASSIFIER = `${DEFAULT_OUT}/classifier.safetensors`;
/** Lines that are classified at once. */
const AT_ONCE = 64;

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

function report(name: string, { parts, classifier, ...result }: ClassifierResult): string {
  const { classes } = classifier.config;
  const { confusion, calibration, majority } = result;
  const untested = classes.filter((_, i) => confusion[i]!.every((count) => count === 0));
  return [
    `${name}: learned from ${parts.train} texts, chosen by ${parts.validation} (epoch ${result.bestEpoch}), tested on ${parts.test}.`,
    "",
    table(["actual \\ predicted", ...classes], classes.map((label, i) => [label, ...confusion[i]!.map(String)])),
    "",
    table(
      ["how sure", "texts", "said", "right"],
      calibration.bins.filter(({ count }) => count > 0).map(({ from, to, count, confidence, accuracy }) => [
        `${percent(from)} to ${percent(to)}`,
        String(count),
        percent(confidence),
        percent(accuracy),
      ]),
    ),
    "",
    `Macro F1 ${result.macroF1.toFixed(3)}, expected calibration error ${percent(calibration.error)}.`,
    ...(untested.length === 0 ? [] : [`Without a text in the test part: ${untested.join(", ")}.`]),
    `Right on ${
      percent(result.accuracy)
    } of the test texts; "${majority.label}" every time, which it learned from most, is right ` +
    `on ${percent(majority.accuracy)}.`,
  ].join("\n");
}

const learn = trainingCommand("train", { hidden: 50, layers: 1, batchSize: 32, learningRate: 5e-3 })
  .description("Train a classifier on labelled texts.")
  .option("--csv <file>", "a CSV or TSV (default: first names of women and men)")
  .option("--text-column <title>", "the column of texts", "text")
  .option("--label-column <title>", "the column of labels", "label")
  .option("--out <folder>", "where the results go", DEFAULT_OUT)
  .addOption(
    new Option("--tokens <kind>", "what texts are cut into (default: word, of the names char)").choices(TOKEN_KINDS),
  )
  .option("--embedding <n>", "features of a token", integer(1), 32)
  .option("--vocabulary <n>", "tokens that are kept, the most frequent; the others are <unk>", integer(2), 5000)
  .option("--longest <tokens>", "tokens of a text that are read, its first ones", integer(1), 500)
  .option("--bidirectional", "read texts in both directions", false)
  .option("--epochs <n>", "times through the training part", integer(1), 10)
  .option("--validation <fraction>", "fraction of the texts to choose the epoch by", between(0, 0.5), 0.1)
  .option("--test <fraction>", "fraction of the texts to test on", between(0, 0.5), 0.1)
  .action(onRanks(async ({ csv, textColumn, labelColumn, out, json, blas, ...options }, communicator) => {
    if (textColumn.toLowerCase() === labelColumn.toLowerCase()) {
      throw new UsageError(`--text-column and --label-column must be two columns, got ${textColumn} for both`);
    }
    const optimizer = await loadOptimizer(options.optimizer, options.optimizerOption);
    const data = csv === undefined ? await firstNames() : await readLabelled(csv, { textColumn, labelColumn });
    const tokens: TokenKind = options.tokens ?? (csv === undefined ? "char" : "word");
    const settings = { ...options, tokens };
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
    console.log(`Written to ${out}: classifier.safetensors, metrics.json\n\n${report(data.name, result)}`);
  }));

const predict = new Command("predict")
  .description(
    "Classify each line of stdin that is not blank: its class, how sure that is, and the line, between tabs.",
  )
  .argument("[classifier]", "what train wrote", DEFAULT_CLASSIFIER)
  .option("--json", "print a JSON document a line, with the probabilities of all classes", false)
  .action(async (path, { json }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const { classes } = classifier.config;
    const say = (lines: readonly string[]) => {
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
      for (let i = 0; i < full.length; i += AT_ONCE) say(full.slice(i, i + AT_ONCE));
    }
    if (rest.trim() !== "") say([rest]);
  });

const exportOnnx = new Command("export")
  .description("Write a trained classifier as ONNX, for other programs to run.")
  .argument("[classifier]", "what train wrote", DEFAULT_CLASSIFIER)
  .option("--out <file>", "where it goes, with FILE.json beside it (default: beside the classifier)")
  .action(async (path, { out }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const { exportClassifier } = await import("../export.ts");
    await writeOnnx(path, out, exportClassifier(classifier));
  });

export const classify = new Command("classify")
  .description("Tell which class texts are of: train on labelled texts, predict for lines of stdin, export as ONNX.")
  .addCommand(learn, { isDefault: true })
  .addCommand(predict)
  .addCommand(exportOnnx)
  .addHelpText("after", () => `\ntrain runs when no command is named:\n\n${learn.helpInformation()}`);
