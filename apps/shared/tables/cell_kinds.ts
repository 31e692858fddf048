import { monthOf } from "./month_names.ts";

/** What a cell looks like at a glance, without its column. */
export type CellKind = "empty" | "missing" | "number" | "date" | "text";

/** How FRED, pandas, R, spreadsheets and databases write that there is no value, in lower case. */
const MISSING: ReadonlySet<string> = new Set([
  ...[
    "",
    ".",
    "..",
    "...",
    "-",
    "--",
    "---",
    "–",
    "—",
    "−",
    "?",
    "*",
    "**",
    "***",
    "****",
    "*****",
    "n/a",
    "na",
    "n.a.",
    "n.a",
    "nan",
    "<na>",
    "nat",
  ],
  ...["null", "(null)", "none", "nil", "nd", "missing", "void", "\\n", "#n/a", "#n/a n/a", "#na", "#null!"],
  ...["#value!", "#ref!", "#div/0!", "#num!", "#name?", "-nan", "1.#qnan", "-1.#ind", "1.#ind", "undefined"],
]);
/** The longest of them. */
const LONGEST_MISSING = 12;
/** Longer cells are no numbers and no dates. */
export const LONGEST_VALUE = 80;

/** Whether a cell says that there is no value. */
export function isMissing(cell: string): boolean {
  if (cell.length > LONGEST_VALUE) return false;
  const first = cell.charCodeAt(0);
  // Digits begin nearly all cells that are asked about, and only a few marks begin with one.
  if (first >= 50 && first <= 57) return false;
  const text = cell.trim();
  return text.length <= LONGEST_MISSING && MISSING.has(text.toLowerCase());
}

/** Digits with signs, marks, currency, percent and so on around or between them. */
const NUMBER =
  /^[+\-−–(]?\s?(?:[A-Za-z]{0,3}\p{Sc}|[A-Z]{3}|kr\.?|Rs\.?)?\s?[+\-−–]?\s?(?:\d[\d.,'’ \u00a0\u2009\u202f]*|\.\d+)(?:e[+-]?\d+)?\s?(?:[kmbt]|bn|mn)?\s?[%‰]?\s?(?:\p{Sc}|[A-Z]{3}|kr\.?|zł|Kč)?\)?-?$/iu;
const DATE =
  /^(?:\d{4}(?:[-/]\d{1,2}(?:[-/]\d{1,2})?|\.\d{1,2}\.\d{1,2})|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|(?:1[5-9]|20|21)\d{2}(?:0[1-9]|1[0-2])[0-3]\d|\d{4}-?W\d{1,2}(?:-\d)?|\d{4}[-\s]?Q[1-4]|Q[1-4][-/\s]\d{4}|\d{4}-?M\d{1,2}|\d{1,2}[-/]\d{4}|\d{1,2}:\d{2}(?::\d{2})?)(?:[T ,].*)?$/i;

/** Whether a cell looks like a date that is written as one, not as a bare number. */
function isDateLike(text: string): boolean {
  if (DATE.test(text)) return true;
  if (text.length > 60 || !/\d/.test(text) || !/^[\p{L}\d\s,.\-/:+()]+$/u.test(text)) return false;
  const words = text.match(/\p{L}+/gu) ?? [];
  return words.length <= 6 && words.some((word) => monthOf(word) !== undefined);
}

/** The kind of a cell. */
export function kindOf(cell: string): CellKind {
  const text = cell.length > LONGEST_VALUE ? cell : cell.trim();
  if (text === "") return "empty";
  if (isMissing(text)) return "missing";
  if (text.length > LONGEST_VALUE) return "text";
  if (isDateLike(text)) return "date";
  return NUMBER.test(text) ? "number" : "text";
}
