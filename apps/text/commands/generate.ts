import { Command } from "@commander-js/extra-typings";
import { Random } from "@unfold/core";
import { between, from, integer } from "../../shared/cli.ts";
import { readFile } from "../../shared/read_file.ts";
import { generateText, generateTokens } from "../generate.ts";
import { LanguageModel } from "../language_model.ts";
import { DEFAULT_MODEL } from "./options.ts";

/** Writes to stdout, all of it. */
async function write(text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
}

export const generate = new Command("generate")
  .description("Let a trained model write.")
  .argument("[model]", "a model that train wrote", DEFAULT_MODEL)
  .option("--prompt <text>", "what the text begins with", "")
  .option("--length <tokens>", "tokens to write", integer(1), 500)
  .option("--temperature <t>", "below 1 the likely gets likelier; 0 always takes the likeliest", from(0, Infinity), 0.8)
  .option("--top-k <n>", "only the n likeliest tokens; 0 for all", integer(0), 0)
  .option("--top-p <p>", "only the likeliest tokens that together are so probable", between(0, 1.000001), 1)
  .option("--stop <text>", "end before this text")
  .option("--count <n>", "texts to write", integer(1), 1)
  .option("--seed <n>", "seed of what is drawn", integer(0), 1)
  .option("--json", "print the texts as a JSON list", false)
  .action(async (path, { count, stop, json, seed, ...settings }) => {
    const model = LanguageModel.decode(await readFile(path), path);
    const options = { ...settings, random: new Random(seed) };
    if (count === 1 && !json) {
      // A character that is not known is named before anything is written.
      model.tokenizer.encode(options.prompt);
      let [text, written] = [options.prompt, performance.now()];
      for await (const more of generateText(model, { ...options, stop })) {
        text += more;
        // As it comes, but not with a call of the system for each character.
        if (performance.now() - written < 20) continue;
        await write(text);
        [text, written] = ["", performance.now()];
      }
      return await write(`${text}\n`);
    }
    const decoders = Array.from({ length: count }, () => model.tokenizer.decoder());
    const texts = decoders.map(() => "");
    for (const tokens of generateTokens(model, { ...options, count })) {
      tokens.forEach((token, i) => texts[i] += decoders[i]!(token));
    }
    const whole = texts.map((text) => options.prompt + (stop === undefined ? text : text.split(stop)[0]!));
    console.log(json ? JSON.stringify(whole, null, 2) : whole.join("\n\n---\n\n"));
  });
