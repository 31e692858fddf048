/**
 * The text app: trains models of text, character by character or word by word, and lets them write, judge and sort
 * texts.
 *
 *     deno task text                                         # train on Moby Dick
 *     deno task text --text book.txt --out runs/book         # train on a file
 *     deno task text generate runs/book/model.safetensors --prompt "It was"
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { runCommand } from "../shared/cli.ts";
import { classify } from "./commands/classify.ts";
import { evaluate } from "./commands/evaluate.ts";
import { exportOnnx, report } from "./commands/export.ts";
import { generate } from "./commands/generate.ts";
import { train } from "./commands/train.ts";

const program = new Command("text")
  .description("Model texts with recurrent networks.")
  .addCommand(train, { isDefault: true })
  .addCommand(generate)
  .addCommand(evaluate)
  .addCommand(classify)
  .addCommand(report)
  .addCommand(exportOnnx)
  .addHelpText("after", () => `\ntrain runs when no command is named:\n\n${train.helpInformation()}`);

if (import.meta.main) {
  const code = await runCommand(program as unknown as Command, Deno.args);
  // A Worker that merely came to its end would be waited for.
  if (code !== 0) Deno.exit(code);
}
