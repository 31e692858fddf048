import { Command, Option } from "@commander-js/extra-typings";
import { dirname } from "node:path";
import { integer, tryBlas } from "../../shared/cli.ts";
import { readDocument, readFile, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { checkBatch } from "../../shared/memory.ts";
import { print } from "../../shared/printable.ts";
import { encodingOption } from "../../shared/table_options.ts";
import { startThreads, threadsOption } from "../../shared/threads.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { LanguageModel } from "../language_model.ts";
import { inUnits, lossRows, SUMMARY, type Summary, textLine } from "../summary.ts";
import { tokenize } from "../tokenize.ts";
import { unitOf } from "../tokenizer.ts";
import { lossOn, streamsOf } from "../train_language_model.ts";
import { blasOption, DEFAULT_MODEL, DEFAULT_OUT, nameOf, textInputs, textOption } from "./options.ts";

/** Tokens of each part that are read at a time. */
const TIME = 200;

const batchSizeOption = new Option(
  "--batch-size <n>",
  "number of parts to read in parallel; more is faster, but each starts without context",
).argParser(integer(1)).default(1);

export const evaluate = new Command("evaluate")
  .description("Measure how well a trained model predicts a text.")
  .argument("[model]", "model file written by train", DEFAULT_MODEL)
  .addOption(textOption())
  .addOption(encodingOption)
  .addOption(batchSizeOption)
  .addOption(threadsOption)
  .addOption(blasOption())
  .option("--json", "print the result as JSON")
  .action(async (path, { text, encoding, batchSize, threads, blas, json }) => {
    const model = LanguageModel.fromFile(await readFile(path), path);
    const inputs = await textInputs(text, encoding);
    const { kind } = model.tokenizer;
    // The tokens of a long text go to a file next to the model.
    const folder = dirname(path);
    using read = await tokenize(inputs, { kind, folder, tokenizer: model.tokenizer });
    const { length } = read.tokens;
    const name = nameOf(inputs);
    if (length < batchSize + 1) {
      throw new RangeError(
        `Cannot evaluate on ${name}: it must have at least ${batchSize + 1} ${unitOf(kind)}s, got ${length}`,
      );
    }
    const [whole, sizes] = [{ from: 0, to: length }, { batchSize, time: TIME }];
    checkBatch("evaluate", model.sizes({ batch: streamsOf(whole, sizes), time: TIME }), { lower: "--batch-size" });
    await startThreads(threads);
    if (blas !== undefined) tryBlas(blas);
    const loss = await lossOn(model, read.tokens, whole, sizes);
    if (json) {
      const result = { source: name, tokens: length, unknown: read.unknown, loss, ...inUnits(kind, loss) };
      return print(JSON.stringify(result, null, 2));
    }
    const { head, rows } = lossRows(kind, [["the model", loss]]);
    const size = textLine(name, kind, { tokens: length, unknown: read.unknown });
    print(`${size}\n\n${table(["loss", ...head.slice(1)], rows)}`);
  });

export const report = new Command("report")
  .description("Write an HTML report of a training run.")
  .argument("[folder]", "folder written by train", DEFAULT_OUT)
  .option("--unit <n>", "unit of the last layer to show (default: the steadiest)", integer(0))
  .action(async (folder, { unit }) => {
    const path = `${folder}/model.safetensors`;
    const model = LanguageModel.fromFile(await readFile(path), path);
    const summary = await readDocument(`${folder}/metrics.json`, SUMMARY) as Summary;
    const { passage } = summary;
    if (passage.length === 0 || passage.some((token) => token >= model.tokenizer.size)) {
      throw new Error(
        `Cannot report: the passage in ${folder}/metrics.json must match the model, got other tokens; ` +
          "run train again",
      );
    }
    const { hidden } = model.config;
    if (unit !== undefined && unit >= hidden) {
      throw new RangeError(
        `Cannot show unit ${unit}: --unit must be less than ${hidden}, the model's units, got ${unit}`,
      );
    }
    // Imported late because the charting library is slow to load.
    const { reportPage } = await import("../report.ts");
    await writeFiles(folder, { "report.html": await reportPage(model, summary, unit) });
    print(`Written to ${folder}: report.html`);
  });

export const exportOnnx = new Command("export")
  .description("Export a trained model as ONNX.")
  .argument("[model]", "model file written by train", DEFAULT_MODEL)
  .option("--out <file>", "ONNX file to write; FILE.json describes it (default: next to the model)")
  .action(async (path, { out }) => {
    const model = LanguageModel.fromFile(await readFile(path), path);
    const { exportLanguageModel } = await import("../export.ts");
    await writeOnnx(path, out, exportLanguageModel(model));
  });
