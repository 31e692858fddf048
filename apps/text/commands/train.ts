import { Option } from "@commander-js/extra-typings";
import { Random } from "@unfold/core";
import { Checkpoints, progressBar, stopOnSignals } from "@unfold/training";
import { between, from, integer, sayIfNew, tryBlas, UsageError } from "../../shared/cli.ts";
import { prepareFolder, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { loadOptimizer } from "../../shared/optimizers.ts";
import { print } from "../../shared/printable.ts";
import { onRanks, stoppedOn } from "../../shared/ranks.ts";
import { encodingOption } from "../../shared/table_options.ts";
import { generateText } from "../generate.ts";
import { stackOf } from "../model_file.ts";
import { floorsOf } from "../n_gram.ts";
import { lossTable, lossVerdict, modelLabel, summaryOf, testLine, textLine } from "../summary.ts";
import { tokenize } from "../tokenize.ts";
import { TOKEN_KINDS } from "../tokenizer.ts";
import { splitText, trainLanguageModel } from "../train_language_model.ts";
import { DATA_GROUP, DEFAULT_OUT, nameOf, textInputs, textOption, trainingCommand } from "./options.ts";

/** The default number of features per token. */
const EMBEDDING = 64;
/** The files of the results. */
const RESULTS = ["model.safetensors", "metrics.json"] as const;
/** Tokens in the sample printed at the end. */
const SAMPLE = 300;

export const train = trainingCommand("train", {
  out: DEFAULT_OUT,
  hidden: 192,
  layers: 1,
  embedding: `${EMBEDDING}, or --hidden with --tied`,
  batchSize: 50,
  learningRate: 6e-3,
})
  .description("Train a language model: it learns to predict the next token of a text.")
  .optionsGroup(DATA_GROUP)
  .addOption(textOption())
  .addOption(encodingOption)
  .addOption(new Option("--tokens <kind>", "unit of text").choices(TOKEN_KINDS).default(TOKEN_KINDS[0]))
  .option("--vocabulary <n>", "for --tokens word: number of words to keep, most frequent first", integer(2), 10_000)
  .option("--validation <fraction>", "fraction of the text for choosing the epoch", between(0, 0.5), 0.05)
  .option("--test <fraction>", "fraction at the end of the text for testing", from(0, 0.5), 0.05)
  .option("--resume", "continue a stopped run")
  .optionsGroup("Model:")
  .option("--tied", "share weights between the embedding and the output layer")
  .optionsGroup("Training:")
  .option("--time <tokens>", "time steps per batch, for truncated backpropagation", integer(1), 50)
  .option("--epochs <n>", "passes over the training part", integer(1), 6)
  .option("--steps <n>", "maximum number of steps; may end within an epoch", integer(1))
  .action(onRanks(async ({ text, encoding, out, resume = false, json, blas, vocabulary, ...all }, communicator) => {
    const { allowRemoteOptimizer: allowRemote, ...options } = all;
    const isFirst = communicator.rank === 0;
    const { tied = false, hidden } = options;
    if (tied && options.embedding !== undefined && options.embedding !== hidden) {
      throw new UsageError(`with --tied, --embedding must equal --hidden, ${hidden}, got ${options.embedding}`);
    }
    const settings = { ...options, tied, embedding: options.embedding ?? (tied ? hidden : EMBEDDING) };
    if (blas !== undefined) tryBlas(blas, { quiet: communicator.rank > 0 });
    const optimizer = await loadOptimizer(settings.optimizer, settings.optimizerOption, { allowRemote });
    const inputs = await textInputs(text, encoding);
    using _ = await prepareFolder(out, { files: RESULTS, communicator });
    using read = await tokenize(inputs, { kind: settings.tokens, vocabularySize: vocabulary, folder: out });
    const { tokens, tokenizer } = read;
    const name = nameOf(inputs);
    const parts = splitText(tokens.length, settings, name);
    const floors = floorsOf(tokens, tokenizer.size, parts.train, parts.validation);
    const { kind } = tokenizer;
    const config = { ...stackOf(settings), tied, tokens: kind, vocabulary: tokenizer.vocabulary };
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
      throw stoppedOn(communicator, "Run the same command with --resume to continue.", stop.exitCode);
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
    const results: Record<typeof RESULTS[number], string | Uint8Array> = {
      "model.safetensors": model.toFile(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
    };
    await writeFiles(out, results);
    // The run is complete, so its checkpoints are no longer needed.
    await new Checkpoints({ folder }).clear();
    if (json) return print(JSON.stringify(summary, null, 2));
    const sampling = {
      temperature: 0.8,
      topK: 0,
      topP: 1,
      prompt: "",
      length: SAMPLE,
      random: new Random(settings.seed),
    };
    const sample = (await Array.fromAsync(generateText(model, sampling))).join("");
    const { head, rows } = lossTable(kind, `${modelLabel(settings)} (epoch ${bestEpoch})`, summary);
    print([
      `Written to ${out}: ${RESULTS.join(", ")}`,
      "",
      "A sample at temperature 0.8:",
      "",
      sample.trim(),
      "",
      textLine(name, kind, { tokens: tokens.length, vocabulary: tokenizer.size, unknown: read.unknown }),
      "",
      table(head, rows),
      "",
      ...(testLoss === undefined ? [] : [testLine(kind, testLoss, summary.parts.test!)]),
      lossVerdict(kind, summary),
    ].join("\n"));
  }));
