import {
  type DateFormat,
  type DateUnit,
  DAY,
  dayOf,
  FORMATS,
  fullYear,
  ORDERED,
  type ReadDate,
  withTime,
} from "./date_formats.ts";
import { monthOf } from "./month_names.ts";

/** Directives of strptime as parts of a regular expression. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: "(?<Y>\\d{4})",
  y: "(?<y>\\d{2})",
  m: "(?<m>\\d{1,2})",
  d: "(?<d>\\d{1,2})",
  e: "\\s?(?<d>\\d{1,2})",
  j: "(?<j>\\d{1,3})",
  b: "(?<b>\\p{L}+\\.?)",
  B: "(?<b>\\p{L}+\\.?)",
  h: "(?<b>\\p{L}+\\.?)",
  a: "\\p{L}+\\.?",
  A: "\\p{L}+\\.?",
  H: "(?<H>\\d{1,2})",
  I: "(?<H>\\d{1,2})",
  M: "(?<M>\\d{2})",
  S: "(?<S>\\d{2})",
  f: "(?<f>\\d{1,9})",
  p: "(?<p>[AaPp]\\.?[Mm]\\.?)",
  z: "(?<z>Z|[+-]\\d{2}:?(?:\\d{2})?)",
  Z: "[A-Za-z]+",
  T: "(?<H>\\d{1,2}):(?<M>\\d{2}):(?<S>\\d{2})",
  F: "(?<Y>\\d{4})-(?<m>\\d{1,2})-(?<d>\\d{1,2})",
  "%": "%",
};

/**
 * A format as an option names it: an order (DMY, MDY or YMD), or directives of strptime, such as "%d.%m.%Y %H:%M".
 *
 * @returns What is wrong with it, if anything is.
 */
export function formatOf(text: string): DateFormat | string {
  const order = text.toUpperCase().replace(/[^A-Z]/g, "");
  if (!text.includes("%")) {
    if (order === "YMD") return { ...ORDERED.YMD, parse: (text) => FORMATS[1]!.parse(text) ?? ORDERED.YMD.parse(text) };
    if (order === "DMY" || order === "MDY") return ORDERED[order];
    return 'DMY, MDY, YMD or directives of strptime such as "%d.%m.%Y"';
  }
  let problem: string | undefined;
  const seen = new Set<string>();
  const source = text.replace(/%(.)|[\\^$.*+?()[\]{}|]/gs, (match, directive: string | undefined) => {
    if (directive === undefined) return `\\${match}`;
    const pattern = DIRECTIVES[directive];
    if (pattern === undefined || seen.has(directive)) {
      problem = `directives of strptime, each once, but %${directive} is not one`;
    }
    seen.add(directive);
    return pattern ?? "";
  });
  if (problem !== undefined) return problem;
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^${source}$`, "u");
  } catch {
    return "directives of strptime, each once";
  }
  const has = (...names: string[]) => names.some((name) => source.includes(`(?<${name}>`));
  if (!has("Y", "y")) return "a format with a year, %Y or %y";
  const unit: DateUnit = has("d", "j") ? "day" : has("m", "b") ? "month" : "year";
  return { name: text, unit, parse: (cell) => parseGroups(pattern.exec(cell)?.groups) };
}

function parseGroups(groups: Record<string, string | undefined> | undefined): ReadDate | undefined {
  if (groups === undefined) return undefined;
  const { Y, y, m, d, j, b, H, M, S, f, p, z } = groups;
  const year = Y === undefined ? fullYear(y!) : Number(Y);
  const number = b === undefined ? Number(m ?? 1) : monthOf(b.replace(".", ""));
  const first = dayOf(year, j === undefined ? number ?? 0 : 1, j === undefined ? Number(d ?? 1) : 1);
  if (first === undefined) return undefined;
  const day = j === undefined ? first : first + (Number(j) - 1) * DAY;
  if (H === undefined) return { ms: day, hasTime: false };
  return withTime(day, ` ${H}:${M ?? "00"}:${S ?? "00"}${f === undefined ? "" : `.${f}`}${p?.[0] ?? ""} ${z ?? ""}`);
}
