import { Command } from "@commander-js/extra-typings";
import { sayNotes } from "../../../shared/cli.ts";
import { readFile } from "../../../shared/files.ts";
import { table } from "../../../shared/format.ts";
import { listed, print, quoted } from "../../../shared/printable.ts";
import { delimiterOption, encodingOption, headerOption, quotesOption } from "../../../shared/table_options.ts";
import { Classifier } from "../../classifier/classifier.ts";
import { type LabelledText, readLabelled } from "../../classifier/labelled_text.ts";
import { compareWithBest, scoresOf } from "../../classifier/scores.ts";
import {
  calibrationTable,
  classTable,
  comparisonText,
  confusionTable,
  scoresTable,
  type Table,
} from "../../classifier/tables.ts";
import { DEFAULT_CLASSIFIER, labelCaseOption, labelColumnOption, textColumnOption } from "./options.ts";

export const evaluate = new Command("evaluate")
  .description("Measure how good a classifier is on labelled texts, or compare several.")
  .argument("[classifiers...]", "classifier files written by train", [DEFAULT_CLASSIFIER])
  .requiredOption(
    "--csv <file>",
    "labelled texts, as for train: a table, - for stdin, or a folder with a folder for each class",
  )
  .addOption(textColumnOption())
  .addOption(labelColumnOption())
  .addOption(labelCaseOption())
  .addOption(encodingOption)
  .addOption(delimiterOption)
  .addOption(quotesOption)
  .addOption(headerOption)
  .option("--json", "print the result as JSON")
  .action(async (paths, { csv, json = false, ...reading }) => {
    const classifiers = await Promise.all(paths.map(async (path) => Classifier.fromFile(await readFile(path), path)));
    const data = await readLabelled(csv, { ...reading, fewest: 1 });
    sayNotes(data.notes ?? []);
    const rated = classifiers.map((classifier, i) => {
      const { classes, model } = classifier.config;
      const targets = targetsOf(data, classes, paths[i]!);
      const predictions = classifier.predict(data.texts);
      return {
        name: classifier.name,
        model,
        classes,
        targets,
        predictions,
        scores: scoresOf(predictions, targets, classes.length),
      };
    });
    const [first, ...others] = rated;
    const comparison = others.length === 0 || first === undefined
      ? undefined
      : compareWithBest(first.predictions, others, first.targets);
    if (json) {
      const models = rated.map(({ name, model, scores }, i) => ({ file: paths[i], name, model, scores }));
      return print(
        JSON.stringify({ data: { source: data.name, texts: data.texts.length }, models, comparison }, null, 2),
      );
    }
    const show = ({ head, rows }: Table) => table(head, rows);
    print([
      `${data.name}: ${data.texts.length} texts.`,
      show(confusionTable(first!.classes, first!.scores)),
      show(classTable(first!.classes, [first!])),
      show(calibrationTable(first!.scores)),
      show(scoresTable(rated)),
      ...comparison === undefined ? [] : [comparisonText(first!.scores, comparison)],
    ].join("\n\n"));
  });

/** The classes of texts among those of a classifier. */
function targetsOf({ labels, name }: LabelledText, classes: readonly string[], path: string): number[] {
  return labels.map((label) => {
    const index = classes.indexOf(label);
    if (index >= 0) return index;
    throw new RangeError(
      `Cannot evaluate on ${name}: labels must be classes of ${path}, ${listed(classes)}, got ${quoted(label)}`,
    );
  });
}
