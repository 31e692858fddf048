import { Option } from "@commander-js/extra-typings";
import { progressBar, stopOnSignals } from "@unfold/training";
import { between, from, integer, sayNotes, tryBlas, UsageError } from "../../../shared/cli.ts";
import { prepareFolder, writeFiles } from "../../../shared/files.ts";
import { percent, table } from "../../../shared/format.ts";
import { loadOptimizer } from "../../../shared/optimizers.ts";
import { print, say } from "../../../shared/printable.ts";
import { onRanks, stoppedOn } from "../../../shared/ranks.ts";
import { delimiterOption, encodingOption, headerOption, quotesOption } from "../../../shared/table_options.ts";
import { KEEPS, MODELS } from "../../classifier/classifier.ts";
import { firstNames, readLabelled } from "../../classifier/labelled_text.ts";
import { POOLS } from "../../classifier/network.ts";
import {
  calibrationTable,
  classTable,
  confusionTable,
  scoresTable,
  type Table,
  verdict,
} from "../../classifier/tables.ts";
import { CLASSIFIER_TOKENS, ClassifierTokenizer, type ClassifierTokens } from "../../classifier/tokens.ts";
import {
  CLASS_WEIGHTS,
  type ClassifierResult,
  type ClassifierSettings,
  trainClassifier,
} from "../../classifier/train.ts";
import { UNKNOWN } from "../../tokenizer.ts";
import { DATA_GROUP, trainingCommand } from "../options.ts";
import { DEFAULT_OUT, labelCaseOption, labelColumnOption, textColumnOption, unitOf } from "./options.ts";

/** The default number of features per token. */
const EMBEDDING = 32;
/** The files of the results. */
const RESULTS = ["classifier.safetensors", "metrics.json"] as const;

export const train = trainingCommand("train", {
  out: DEFAULT_OUT,
  hidden: 50,
  layers: 1,
  embedding: EMBEDDING,
  batchSize: 32,
  learningRate: 5e-3,
})
  .description("Train a classifier on labelled texts, and compare it with simple baselines.")
  .optionsGroup(DATA_GROUP)
  .option(
    "--csv <file>",
    "CSV, TSV, JSON or JSON lines, - for stdin, or a folder with a folder of text files for each class " +
      "(default: female and male first names)",
  )
  .addOption(textColumnOption())
  .addOption(labelColumnOption())
  .addOption(labelCaseOption())
  .addOption(encodingOption)
  .addOption(delimiterOption)
  .addOption(quotesOption)
  .addOption(headerOption)
  .addOption(new Option("--tokens <kind>", "unit of text (default: word; char for names)").choices(CLASSIFIER_TOKENS))
  .option("--vocabulary <n>", "number of tokens to keep, most frequent first", integer(2), 30_000)
  .option("--max-tokens <n>", "maximum number of tokens that the network reads at once", integer(1), 500)
  .addOption(
    new Option("--keep <part>", "what the network reads of longer texts: all, in pieces that vote, or one end")
      .choices(KEEPS).default(KEEPS[0]),
  )
  .option("--validation <fraction>", "fraction of the texts for choosing the epoch", between(0, 0.5), 0.1)
  .option("--test <fraction>", "fraction of the texts for testing", between(0, 0.5), 0.1)
  .optionsGroup("Model:")
  .addOption(
    new Option("--model <name>", "classifier to train and save; the baselines are always shown")
      .choices(MODELS).default(MODELS[0]),
  )
  .option("--no-bidirectional", "read texts only forwards")
  .option("--embedding-dropout <rate>", "dropout rate of the features of tokens", from(0, 1), 0.2)
  .option("--word-dropout <rate>", "rate at which tokens are hidden in training", from(0, 1), 0.1)
  .optionsGroup("Training:")
  .option("--epochs <n>", "passes over the training part", integer(1), 10)
  .addOption(
    new Option("--class-weights <how>", "balanced: rare classes count as much as large ones")
      .choices(CLASS_WEIGHTS).default(CLASS_WEIGHTS[0]),
  )
  .action(onRanks(async ({ csv, out, json, blas, maxTokens, ...all }, communicator) => {
    const { textColumn, labelColumn, labelCase, encoding, delimiter, quotes, header, ...more } = all;
    const { allowRemoteOptimizer: allowRemote, ...options } = more;
    const isFirst = communicator.rank === 0;
    if (textColumn.toLowerCase() === labelColumn.toLowerCase()) {
      throw new UsageError(`--text-column and --label-column must be different columns, got ${textColumn} for both`);
    }
    if (blas !== undefined) tryBlas(blas, { quiet: communicator.rank > 0 });
    const optimizer = await loadOptimizer(options.optimizer, options.optimizerOption, { allowRemote });
    const reading = { textColumn, labelColumn, labelCase, encoding, delimiter, quotes, header };
    const data = csv === undefined ? await firstNames() : await readLabelled(csv, reading);
    if (isFirst) sayNotes(data.notes ?? []);
    const tokens: ClassifierTokens = options.tokens ?? (csv === undefined ? "char" : "word");
    const { embedding = EMBEDDING } = options;
    const settings = { ...options, longest: maxTokens, tokens, embedding, pools: POOLS };
    if (isFirst) sayCut(data.texts, settings);
    using _ = await prepareFolder(out, { files: RESULTS, communicator });
    using stop = stopOnSignals();
    const samples = Math.round(data.texts.length * (1 - settings.validation - settings.test));
    const onEvent = isFirst ? progressBar({ epochs: settings.epochs, samples }) : () => {};
    const result = await trainClassifier(data, settings, { optimizer, onEvent, signal: stop.signal, communicator });
    if (result === undefined) throw stoppedOn(communicator, "Nothing was written.", stop.exitCode);
    if (!isFirst) return;
    const { classifier, ...rest } = result;
    const summary = {
      data: { source: data.name, texts: data.texts.length },
      settings,
      classes: classifier.config.classes,
      ...rest,
      ...(result.comparison && { verdict: verdict(result.rated[0]!.scores, result.comparison) }),
    };
    const results: Record<typeof RESULTS[number], string | Uint8Array> = {
      "classifier.safetensors": classifier.toFile(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
    };
    await writeFiles(out, results);
    if (json) return print(JSON.stringify(summary, null, 2));
    print(`Written to ${out}: ${RESULTS.join(", ")}\n\n${resultText(data.name, result)}`);
  }));

/** Says how many texts are not read whole. */
function sayCut(texts: readonly string[], { model, tokens, longest, keep }: ClassifierSettings): void {
  if (keep === "all" || model !== "network") return;
  const tokenizer = new ClassifierTokenizer(tokens, [UNKNOWN]);
  const lengths = texts.map((text) => tokenizer.encode(text).length).filter((length) => length > longest);
  if (lengths.length === 0) return;
  say(
    `warning: ${lengths.length} of ${texts.length} texts have more than ${longest} ${
      unitOf(tokens)
    }s (the longest has ` +
      `${
        lengths.reduce((a, b) => Math.max(a, b))
      }), and only their ${keep} is read; --keep all reads them whole, in pieces; ` +
      "--max-tokens reads more",
  );
}

/** The test results as text. */
function resultText(name: string, result: ClassifierResult): string {
  const { parts, classifier, rated, training, comparison, learned, strength, tokens } = result;
  const { classes } = classifier.config;
  const chosen = rated.find(({ model }) => model === classifier.config.model)!;
  const show = ({ head, rows }: Table) => table(head, rows);
  const { test } = tokens;
  return [
    `${name}: trained on ${parts.train} texts; ${parts.validation} chose ` +
    `${training === undefined ? "" : `the epoch (${training.bestEpoch}) and `}the strength of logistic regression ` +
    `(C = ${strength}); tested on ${parts.test}.`,
    show(confusionTable(classes, chosen.scores)),
    show(classTable(classes, [chosen, ...rated.filter((one) => one !== chosen)], learned)),
    show(calibrationTable(chosen.scores)),
    ...(test.unknown === 0 ? [] : [
      `Not in the vocabulary: ${percent(test.unknown / test.tokens)} of the test part's ${
        unitOf(classifier.config.tokens)
      }s.`,
    ]),
    show(scoresTable(rated)),
    comparison === undefined ? `Saved: ${classifier.name}.` : verdict(chosen.scores, comparison),
  ].join("\n\n");
}
