/**
 * The text app: trains language models on characters, words or bytes, generates text with them, and classifies texts.
 *
 *     deno task text                                         # train on Moby Dick
 *     deno task text --text book.txt --out runs/book         # train on a file
 *     deno task text generate runs/book/model.safetensors --prompt "It was"
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { runProgram } from "../shared/cli.ts";
import { classify } from "./commands/classify.ts";
import { generate } from "./commands/generate.ts";
import { evaluate, exportOnnx, report } from "./commands/model.ts";
import { train } from "./commands/train.ts";

export const program = new Command("text")
  .description("Train recurrent networks on text.")
  .addCommand(train, { isDefault: true })
  .addCommand(generate)
  .addCommand(evaluate)
  .addCommand(report)
  .addCommand(exportOnnx)
  .addCommand(classify)
  .addHelpText("after", () => `\nThe default command is train:\n\n${train.helpInformation()}`);

if (import.meta.main) await runProgram(program);
