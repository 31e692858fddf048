import { Option } from "@commander-js/extra-typings";
import { Random } from "@unfold/core";
import { Checkpoints, progressBar, stopOnSignals } from "@unfold/training";
import { between, from, integer, sayIfNew, UsageError } from "../../shared/cli.ts";
import { prepareFolder, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { loadOptimizer } from "../../shared/optimizers.ts";
import { onRanks, stoppedOn } from "../../shared/ranks.ts";
import { generateText } from "../generate.ts";
import { stackOf } from "../model_file.ts";
import { floorsOf } from "../n_gram.ts";
import { summaryOf } from "../report.ts";
import { tokenize } from "../tokenize.ts";
import { TOKEN_KINDS } from "../tokenizer.ts";
import { splitText, trainLanguageModel } from "../train_language_model.ts";
import { lossTable, lossVerdict, textLine, unitOf } from "../wording.ts";
import { DEFAULT_OUT, nameOf, textInputs, textOption, trainingCommand, useBlasOption } from "./options.ts";

/** Features of a token, unless told otherwise. */
const EMBEDDING = 64;
/** Tokens of the sample that is shown at the end. */
const SAMPLE = 300;

export const train = trainingCommand("train", {
  hidden: 192,
  layers: 1,
  batchSize: 50,
  learningRate: 6e-3,
})
  .description("Train a model of what comes next in a text.")
  .addOption(textOption)
  .option("--out <folder>", "where the results go", DEFAULT_OUT)
  .addOption(new Option("--tokens <kind>", "what the text is cut into").choices(TOKEN_KINDS).default(TOKEN_KINDS[0]))
  .option("--vocabulary <n>", "words that are kept, the most frequent; the others are <unk>", integer(2), 10_000)
  .option("--embedding <n>", `features of a token (default: ${EMBEDDING}, or with --tied as --hidden)`, integer(1))
  .option("--tied", "let the last layer have the embedding's weights", false)
  .option("--time <tokens>", "tokens that a gradient goes back through", integer(1), 50)
  .option("--epochs <n>", "times through the text", integer(1), 6)
  .option("--steps <n>", "stop after so many steps, wherever that is", integer(1))
  .option("--validation <fraction>", "fraction of the text to choose the epoch by", between(0, 0.5), 0.05)
  .option("--test <fraction>", "fraction of the text, its end, to test on", from(0, 0.5), 0.05)
  .option("--resume", "go on with a run that was stopped", false)
  .action(onRanks(async ({ text, out, resume, json, blas, vocabulary, ...options }, communicator) => {
    const isFirst = communicator.rank === 0;
    const { tied, hidden } = options;
    if (tied && options.embedding !== undefined && options.embedding !== hidden) {
      throw new UsageError(`with --tied --embedding must be as --hidden, ${hidden}, got ${options.embedding}`);
    }
    const settings = { ...options, embedding: options.embedding ?? (tied ? hidden : EMBEDDING) };
    const optimizer = await loadOptimizer(settings.optimizer, settings.optimizerOption);
    const inputs = await textInputs(text);
    await prepareFolder(out);
    useBlasOption(blas, communicator);
    using read = await tokenize(inputs, { kind: settings.tokens, vocabularySize: vocabulary, folder: out });
    const { tokens, tokenizer } = read;
    const name = nameOf(inputs);
    const parts = splitText(tokens.length, settings, name);
    const floors = floorsOf(tokens, tokenizer.size, parts.train, parts.validation);
    const { kind, vocabulary: words } = tokenizer;
    const config = { ...stackOf(settings), tied, tokens: kind, vocabulary: words };
    const folder = `${out}/checkpoints`;
    if (resume && isFirst) await sayIfNew(folder);
    using stop = stopOnSignals();
    const result = await trainLanguageModel(tokens, parts, config, settings, {
      optimizer,
      onEvent: (epochs) => isFirst ? progressBar({ epochs, samples: parts.train.to, unit: "tokens" }) : () => {},
      folder,
      config: {
        ...settings,
        steps: settings.steps ?? null,
        textTokens: tokens.length,
        textVocabulary: tokenizer.size,
        textHash: read.hash,
      },
      resume,
      signal: stop.signal,
      communicator,
    });
    if (result === undefined) {
      throw stoppedOn(communicator, "The same command with --resume goes on from here.", stop.exitCode);
    }
    if (!isFirst) return;
    const { model, testLoss, bestEpoch } = result;
    const summary = summaryOf({
      read,
      name,
      settings: { ...settings, ...(settings.tokens === "word" && { vocabulary }) },
      parts,
      floors,
      result,
    });
    await writeFiles(out, {
      "model.safetensors": model.toFile(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
    });
    // The run is over; what it wrote last holds all that they did.
    await new Checkpoints({ folder }).clear();
    if (json) return console.log(JSON.stringify(summary, null, 2));
    const sampling = {
      temperature: 0.8,
      topK: 0,
      topP: 1,
      prompt: "",
      length: SAMPLE,
      random: new Random(settings.seed),
    };
    const sample = (await Array.fromAsync(generateText(model, sampling))).join("");
    const { cell, layers } = settings;
    const { head, rows } = lossTable(kind, `${layers}×${hidden} ${cell} (epoch ${bestEpoch})`, summary);
    console.log([
      `Written to ${out}: model.safetensors, metrics.json`,
      "",
      sample,
      "",
      textLine(name, kind, { tokens: tokens.length, vocabulary: tokenizer.size, unknown: read.unknown }),
      "",
      table(head, rows),
      "",
      ...(testLoss === undefined
        ? []
        : [`Test, the end of the text: ${testLoss.toFixed(4)} nats per ${unitOf(kind)}.`]),
      lossVerdict(kind, summary),
    ].join("\n"));
  }));
