import { Command } from "@commander-js/extra-typings";
import { integer } from "../../../shared/cli.ts";
import { readFile } from "../../../shared/files.ts";
import { print, printable } from "../../../shared/printable.ts";
import { Classifier } from "../../classifier/classifier.ts";
import { tellingTerms } from "../../classifier/telling_terms.ts";
import { DEFAULT_CLASSIFIER, unitOf } from "./options.ts";

export const inspect = new Command("inspect")
  .description("Show what a classifier is, and which terms speak most for each class.")
  .argument("[classifier]", "classifier file written by train", DEFAULT_CLASSIFIER)
  .option("--terms <n>", "terms to show of each class", integer(1), 15)
  .option("--json", "print the result as JSON")
  .action(async (path, { terms, json = false }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const { config, tokenizer, network, name } = classifier;
    const { classes, limit } = config;
    const weights = Object.values(network.parameters()).reduce((total, { size }) => total + size, 0);
    const telling = tellingTerms(classifier, terms);
    if (json) {
      const about = {
        name,
        model: config.model,
        classes,
        tokens: config.tokens,
        vocabulary: tokenizer.size,
        limit,
        weights,
      };
      return print(
        JSON.stringify(
          { ...about, terms: Object.fromEntries(classes.map((label, i) => [label, telling[i]])) },
          null,
          2,
        ),
      );
    }
    const unit = unitOf(classifier.config.tokens);
    const grouped = (value: number) => value.toLocaleString("en");
    print([
      `${name}: ${grouped(weights)} weights, ${grouped(tokenizer.size)} different ${unit}s, ${classes.length} classes.`,
      "What speaks most for each class:",
      classes.map((label, i) => `${printable(label)}: ${telling[i]!.map(({ term }) => printable(term)).join(", ")}`)
        .join("\n"),
    ].join("\n\n"));
  });
