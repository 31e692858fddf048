import { shellWord, withoutOptions } from "../../shared/shell.ts";
import { inspect as inspectTable, inspectionText } from "../../shared/tables/inspect.ts";
import { TableError } from "../../shared/tables/table.ts";
import { openTable, type ReadingOptions, seriesOptions, withReading } from "./data.ts";
import { args, commandOf } from "../../shared/host.ts";
import { print } from "../../shared/printable.ts";

export const inspect = withReading("inspect")
  .description("Show how a file is read: its layout, columns, dates and frequency, and the command to train on it.")
  .argument("<file>", 'a table as CSV, TSV or JSON, "-" for standard input')
  .option("--json", "print the result as JSON", false)
  .action(async (file, { json, ...options }) => {
    const reading: ReadingOptions = options;
    const found = inspectTable(await openTable(file, reading), seriesOptions(reading));
    const isNegative = found.isPositive === false;
    const kept = withoutOptions(args, { options: [], words: ["inspect", file, "--json"] });
    const train = `${commandOf("stock")} --csv ${shellWord(file)}${kept}` +
      `${isNegative ? " --target change" : ""}`;
    print(json ? JSON.stringify(found, null, 2) : inspectionText(found, train));
    if (found.problem !== undefined) throw new TableError(found.problem);
  });
