/** What steers a terminal or reorders a line: controls, line separators, and marks, overrides and isolates of direction. */
// deno-lint-ignore no-control-regex -- these are what must not reach a terminal
const STEERING = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** These, and what has no width, so that names which differ in it alone would look the same. */
// deno-lint-ignore no-control-regex -- as above
const UNSEEN = /[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(char: string): string {
  return SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A value as JSON, or its kind if JSON cannot hold it. */
function json(value: unknown): string {
  // JSON writes NaN and infinities as null.
  if (typeof value === "number") return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // It refers to itself, or is a bigint.
    return Array.isArray(value) ? "[…]" : typeof value === "object" ? "{…}" : String(value);
  }
}

/** The first characters of a text, and what to say of the others. */
function cut(text: string, limit: number): [kept: string, rest: string] {
  if (text.length <= limit) return [text, ""];
  // Half a surrogate pair is no character.
  const end = /[\uD800-\uDBFF]/.test(text[limit - 1] ?? "") ? limit - 1 : limit;
  const left = text.length - end;
  return [`${text.slice(0, end)}…`, ` (${left.toLocaleString("en")} more character${left === 1 ? "" : "s"})`];
}

/**
 * Text from outside as a message shows it: in one line, cut to a length, with the number of characters that were left out.
 * Characters that could steer a terminal, reorder the line or not be seen become escapes.
 *
 * @param text Any text, such as a name in a file.
 * @param limit The most characters to keep; `Infinity` for a path or a sentence that is already short.
 *
 * @example
 * ```ts
 * import { printable } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * assert.equal(printable("a\x1b[2Jb\n"), "a\\u001b[2Jb\\n");
 * assert.equal(printable("x".repeat(1080)), `${"x".repeat(80)}… (1,000 more characters)`);
 * ```
 */
export function printable(text: string, limit = 80): string {
  const [kept, rest] = cut(text, limit);
  return kept.replace(UNSEEN, escaped) + rest;
}

/**
 * A value from outside as a message quotes it: text in quotation marks, other values as JSON; otherwise as
 * {@linkcode printable}.
 *
 * @param value Any value, such as one in a file.
 * @param limit The most characters to keep.
 *
 * @example
 * ```ts
 * import { quoted } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * assert.equal(quoted('a "b"\x9b'), '"a \\"b\\"\\u009b"');
 * assert.equal(quoted([1, 2]), "[1,2]");
 * assert.equal(quoted("abcd", 3), '"abc…" (1 more character)');
 * ```
 */
export function quoted(value: unknown, limit = 80): string {
  if (typeof value !== "string") return printable(json(value), limit);
  const [kept, rest] = cut(value, limit);
  return `"${kept.replace(UNSEEN, escaped).replaceAll('"', '\\"')}"${rest}`;
}

/**
 * Names as a message lists them: the first ones, each cut to 40 characters, and the number of the others.
 *
 * @param names Any texts.
 * @param limit The most names to list.
 *
 * @example
 * ```ts
 * import { listed } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * assert.equal(listed(["a", "b"]), '"a", "b"');
 * assert.equal(listed(["a", "b", "c"], 2), '"a", "b" and 1 more');
 * ```
 */
export function listed(names: readonly string[], limit = 20): string {
  const shown = names.slice(0, limit).map((name) => quoted(name, 40)).join(", ");
  return names.length > limit ? `${shown} and ${(names.length - limit).toLocaleString("en")} more` : shown;
}

/**
 * What is wrong with a file, as a message lists it: the first problems, and the number of the others.
 *
 * @param problems A sentence each.
 * @param limit The most problems to list.
 *
 * @example
 * ```ts
 * import { joined } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * assert.equal(joined(["a is missing", "b is missing"]), "a is missing; b is missing");
 * assert.equal(joined(["a is missing", "b is missing"], 1), "a is missing; and 1 more");
 * ```
 */
export function joined(problems: readonly string[], limit = 20): string {
  const shown = problems.slice(0, limit).join("; ");
  return problems.length > limit ? `${shown}; and ${(problems.length - limit).toLocaleString("en")} more` : shown;
}

/**
 * Text of several lines that has text from outside in it, safe to print: all but line ends and tabs that could steer a
 * terminal or reorder a line become escapes.
 *
 * @param text Any text, such as a table of results.
 *
 * @example
 * ```ts
 * import { harmless } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * assert.equal(harmless("name\tvalue\n\x1b[2J\t1\n"), "name\tvalue\n\\u001b[2J\t1\n");
 * ```
 */
export function harmless(text: string): string {
  return text.replace(STEERING, (char) => char === "\n" || char === "\t" ? char : escaped(char));
}
