import { Command } from "@commander-js/extra-typings";
import { bitsPerCharacter, perplexity } from "@unfold/training";
import { dirname } from "node:path";
import { integer } from "../../shared/cli.ts";
import { readFile } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { LanguageModel } from "../language_model.ts";
import { tokenize } from "../tokenize.ts";
import { lossOn } from "../train_language_model.ts";
import { lossRows, textLine, unitOf } from "../wording.ts";
import { blasOption, DEFAULT_MODEL, nameOf, textInputs, textOption, useBlasOption } from "./options.ts";

export const evaluate = new Command("evaluate")
  .description("Say how well a trained model foretells a text.")
  .argument("[model]", "a model that train wrote", DEFAULT_MODEL)
  .addOption(textOption)
  .option(
    "--batch-size <n>",
    "streams that the text is read in, side by side; with 1 it is read from start to end",
    integer(1),
    1,
  )
  .addOption(blasOption)
  .option("--json", "print the result as JSON", false)
  .action(async (path, { text, batchSize, blas, json }) => {
    const model = LanguageModel.fromFile(await readFile(path), path);
    const inputs = await textInputs(text);
    const { kind } = model.tokenizer;
    // What is too long for memory waits beside the model.
    const folder = dirname(path);
    using read = await tokenize(inputs, { kind, folder, tokenizer: model.tokenizer });
    const { length } = read.tokens;
    const name = nameOf(inputs);
    if (length < batchSize + 1) {
      throw new RangeError(
        `Cannot evaluate on ${name}: it must have at least ${batchSize + 1} ${unitOf(kind)}s, got ${length}`,
      );
    }
    useBlasOption(blas);
    const loss = await lossOn(model, read.tokens, { from: 0, to: length }, { batchSize, time: 200 });
    if (json) {
      const more = kind === "word" ? { perplexity: perplexity(loss) } : { bits: bitsPerCharacter(loss) };
      return console.log(
        JSON.stringify({ source: name, tokens: length, unknown: read.unknown, loss, ...more }, null, 2),
      );
    }
    const { head, rows } = lossRows(kind, [["the model", loss]]);
    console.log(`${textLine(name, kind, { tokens: length, unknown: read.unknown })}

${table(head, rows)}`);
  });
