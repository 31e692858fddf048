import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { ReadOptions } from "./tables/read_table.ts";

/** Parses a delimiter: a character, or the name of one that is hard to write in a shell. */
function delimiterOf(text: string): string {
  const names: Readonly<Record<string, string>> = {
    comma: ",",
    semicolon: ";",
    tab: "\t",
    "\\t": "\t",
    space: " ",
    bar: "|",
  };
  const found = names[text] ?? text;
  if (found.length === 1) return found;
  throw new InvalidArgumentError("It must be one character, or comma, semicolon, tab, space or bar.");
}

/** The text's encoding. */
export const encodingOption = new Option(
  "--encoding <label>",
  "encoding of the text, such as windows-1252 (default: UTF-8, or UTF-16 if it looks like that)",
);

/** The character between cells. */
export const delimiterOption = new Option(
  "--delimiter <char>",
  "character between cells (default: found from the file)",
)
  .argParser(delimiterOf);

/** Whether quotes group. */
export const quotesOption = new Option("--quotes <kind>", "whether double quotes group cells or are plain characters")
  .choices(["group", "plain"]).default("group");

/** Whether there is a header. */
export const headerOption = new Option("--header <yes|no>", "whether the first row has titles (default: found)")
  .choices(["yes", "no"]);

/** The values of the options above. */
export interface LayoutOptions {
  readonly encoding?: string | undefined;
  readonly delimiter?: string | undefined;
  readonly quotes?: string;
  readonly header?: string | undefined;
}

/** The same for the reading layer. */
export function readOptions({ encoding, delimiter, quotes, header }: LayoutOptions): ReadOptions {
  return {
    ...(encoding !== undefined && { encoding }),
    ...(delimiter !== undefined && { delimiter }),
    ...(header !== undefined && { header: header === "yes" }),
    plainQuotes: quotes === "plain",
  };
}
