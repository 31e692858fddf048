import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { Random } from "@unfold/core";
import { harmless } from "@unfold/core/support";
import process from "node:process";
import { from, integer, seedFrom, share } from "../../shared/cli.ts";
import { readFile } from "../../shared/files.ts";
import { codeOf } from "../../shared/host.ts";
import { checkBatch } from "../../shared/memory.ts";
import { asData, say } from "../../shared/printable.ts";
import { generateText, generateTokens } from "../generate.ts";
import { LanguageModel } from "../language_model.ts";
import { UNKNOWN } from "../tokenizer.ts";
import { DEFAULT_MODEL } from "./options.ts";

export const generate = new Command("generate")
  .description("Generate text with a trained model.")
  .argument("[model]", "model file written by train", DEFAULT_MODEL)
  .option("--prompt <text>", "beginning of the text", "")
  .option("--length <tokens>", "number of tokens to generate", integer(1, 100_000_000), 500)
  .option("--temperature <t>", "below 1 favours likely tokens; 0 always takes the most likely", from(0, Infinity), 0.8)
  .option("--top-k <n>", "sample from the n most likely tokens; 0 means all", integer(0), 0)
  .option("--top-p <p>", "sample from the most likely tokens with total probability p", share, 1)
  .option("--stop <text>", "stop before this text", notEmpty)
  .option("--count <n>", "number of texts to generate", integer(1, 10_000), 1)
  .option("--seed <n>", "seed for sampling", seedFrom, 1)
  .option("--json", "print the texts as a JSON array")
  .action(async (path, { count, stop, json, seed, ...settings }) => {
    const model = LanguageModel.fromFile(await readFile(path), path);
    // The space before a word is part of its token, so a trailing space would be a separate token.
    const prompt = model.tokenizer.kind === "word" ? settings.prompt.trimEnd() : settings.prompt;
    warnOfUnknown(model, prompt);
    checkBatch("generate", model.sizes({ batch: count, time: 1 }), { lower: "--count" });
    const options = { ...settings, prompt, random: new Random(seed) };
    // write() gets the error, too; without this, it would end the program.
    process.stdout.on("error", () => {});
    if (count === 1 && !json) {
      let [text, written] = [prompt, performance.now()];
      for await (const more of generateText(model, { ...options, stop })) {
        text += more;
        // Write the text as it is generated, but without a system call per character.
        if (performance.now() - written < 20) continue;
        await write(text);
        [text, written] = ["", performance.now()];
      }
      return await write(`${text}\n`);
    }
    const decoders = Array.from({ length: count }, () => model.tokenizer.decoder());
    const texts = decoders.map(() => "");
    const isOver = decoders.map(() => false);
    for (const tokens of generateTokens(model, { ...options, count })) {
      tokens.forEach((token, i) => {
        if (isOver[i]) return;
        texts[i] += decoders[i]!(token);
        const end = stop === undefined ? -1 : texts[i]!.indexOf(stop);
        if (end < 0) return;
        texts[i] = texts[i]!.slice(0, end);
        isOver[i] = true;
      });
      if (!isOver.includes(false)) break;
    }
    const whole = texts.map((text) => prompt + text);
    await write(`${json ? harmless(JSON.stringify(whole, null, 2)) : whole.join("\n\n---\n\n")}\n`);
  });

/** Writes all of a text to stdout; ends the program if the reader has closed the pipe. */
async function write(text: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(asData(text), (error) => error ? reject(error) : resolve())
    );
  } catch (error) {
    if (codeOf(error) === "EPIPE") process.exit(0);
    throw error;
  }
}

function notEmpty(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("It must not be empty.");
}

/** Warns about words of the prompt that are not in the vocabulary. */
function warnOfUnknown({ tokenizer }: LanguageModel, prompt: string): void {
  const unknown = tokenizer.vocabulary.indexOf(UNKNOWN);
  const tokens = tokenizer.encode(prompt);
  const count = tokenizer.kind === "word" ? tokens.filter((token) => token === unknown).length : 0;
  if (count > 0) say(`warning: ${count} of the prompt's ${tokens.length} words are not in the vocabulary`);
}
