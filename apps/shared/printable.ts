/** Characters that could steer a terminal or reorder a line: controls, line separators, bidirectional marks. */
// deno-lint-ignore no-control-regex
const STEERING = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Text from a file, safe to print on a terminal: control characters as escapes, in one line, cut to a length with the
 * number of characters that were left out.
 *
 * @param text Any text.
 * @param limit The most characters to keep.
 */
export function printable(text: string, limit = 80): string {
  // Half a surrogate pair is no character.
  const end = text.length > limit && /[\uD800-\uDBFF]/.test(text[limit - 1]!) ? limit - 1 : limit;
  const shown = text.slice(0, end).replace(
    STEERING,
    (char) => ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length > limit ? `${shown}… (${(text.length - end).toLocaleString("en")} more characters)` : shown;
}

/** A value from a file, as messages quote it. */
export function quoted(text: string, limit = 80): string {
  const cut = printable(text, limit);
  // The count of what is missing comes after the quotation mark.
  const at = text.length > limit ? cut.lastIndexOf("…") + 1 : cut.length;
  return `"${cut.slice(0, at).replaceAll('"', '\\"')}"${cut.slice(at)}`;
}

/** Titles as messages list them: the first ones, and the number of the others. */
export function listed(names: readonly string[], limit = 20): string {
  const shown = names.slice(0, limit).map((name) => quoted(name, 40)).join(", ");
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
