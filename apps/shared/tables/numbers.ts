import { isMissing, LONGEST_VALUE } from "./cell_kinds.ts";
import { counted, failIn, type Note, note, type Table, type TableColumn } from "./table.ts";
import { printable, quoted } from "../printable.ts";

/** What is between whole numbers and fractions. */
export type DecimalMark = "point" | "comma";

/** The numbers of a column. */
export interface NumberColumn {
  readonly title: string;
  /** A number for each row; NaN where it is missing. */
  readonly values: Float64Array;
  /** The number of missing ones. */
  readonly missing: number;
  readonly notes: readonly Note[];
}

/** A number as it is written, without what is around its digits. */
interface Written {
  readonly sign: 1 | -1;
  /** Digits and the marks between them. */
  readonly body: string;
  /** The power of ten of a suffix: 3 for K. */
  readonly power: number;
  /** % or a currency. */
  readonly unit: string;
}

/** What the marks of a number say: plainly decimal, plainly thousands of another mark, or either. */
type Meaning = "none" | "point" | "comma" | "either point" | "either comma" | "bad";

const POWERS: Readonly<Record<string, number>> = { k: 3, m: 6, mn: 6, mio: 6, b: 9, bn: 9, mrd: 9, t: 12, tn: 12 };
const CODES = new Set([...Intl.supportedValuesOf("currency"), "BTC", "ETH", "USDT", "USDC", "CNH", "GBX"]);
const HYPHENS = /[\u2010-\u2015\u2212\u02d7\u2796]/g;
const PREFIX =
  /^([+-]?)\s?([A-Z]{0,3}\p{Sc}|[A-Z]{3}\s?(?=[\d.,+\-\s])|kr\.?|Rs\.?|Fr\.?|R\$)?\s?([+-]?)\s?(?=[\d.,])/iu;
const SUFFIX = /^(\s?(?:kr\.?|zł|Kč|Ft|лв\.?|\p{Sc}|[A-Z]{3}))?(-?)$/iu;
const BODY = /^(\d[\d.,' ]*|[.,]\d+)(e[+-]?\d{1,3})?\s?(k|mn|mio|mrd|m|bn|b|tn|t)?(?![a-z])\s?([%‰]?)/i;
/** Groups of three digits, and of two before the last three as in India. */
const GROUPS = /^\d{1,3}(?:,\d{3})+$|^\d{1,2}(?:,\d{2})+,\d{3}$/;

/** Takes a number apart; undefined if it is none. */
function takeApart(cell: string): Written | undefined {
  if (cell.length > LONGEST_VALUE) return undefined;
  let text = cell.trim();
  // Wide digits, thin spaces and the like have a plain form.
  // deno-lint-ignore no-control-regex
  if (/[^\x00-\x7f]/.test(text)) text = text.normalize("NFKC").replace(HYPHENS, "-").replace(/[’‘`´]/g, "'");
  const isNegative = text.startsWith("(") && text.endsWith(")");
  if (isNegative) text = text.slice(1, -1).trim();
  const prefix = PREFIX.exec(text);
  if (prefix === null) return undefined;
  const [whole, outer = "", before = "", inner = ""] = prefix;
  if (outer !== "" && inner !== "") return undefined;
  const found = BODY.exec(text.slice(whole.length));
  if (found === null) return undefined;
  const [match, body, exponent = "", suffix = "", percent = ""] = found as unknown as [string, string, ...string[]];
  const after = SUFFIX.exec(text.slice(whole.length + match.length).trimEnd());
  if (after === null) return undefined;
  const [, behind = "", trailing = ""] = after;
  const currencies = [before.trim(), behind.trim()].filter((unit) => unit !== "");
  if (currencies.length > 1 || currencies.some((unit) => /^[a-z]{3}$/i.test(unit) && !CODES.has(unit.toUpperCase()))) {
    return undefined;
  }
  const signs = [outer, inner, trailing].filter((sign) => sign !== "");
  if (signs.length > 1 || (isNegative && signs.length > 0)) return undefined;
  return {
    sign: isNegative || signs[0] === "-" ? -1 : 1,
    body: body.trim() + exponent,
    power: POWERS[suffix.toLowerCase()] ?? 0,
    unit: percent || (currencies[0] ?? ""),
  };
}

/** A body without spaces and apostrophes between its thousands; undefined if they are elsewhere. */
function withoutSpaces(body: string): string | undefined {
  if (!/[ ']/.test(body)) return body;
  return /^\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?$/.test(body) ? body.replace(/[ ']/g, "") : undefined;
}

/** What the marks of a body mean by themselves. */
function meaningOf(body: string): Meaning {
  const [digits, exponent] = body.split(/e/i) as [string, string | undefined];
  const plain = withoutSpaces(digits);
  if (plain === undefined) return "bad";
  const [points, commas] = [plain.split(".").length - 1, plain.split(",").length - 1];
  if (points + commas === 0) return "none";
  if (points > 0 && commas > 0) {
    const isPoint = plain.lastIndexOf(".") > plain.lastIndexOf(",");
    const swapped = isPoint ? plain : plain.replace(/[.,]/g, (mark) => mark === "." ? "," : ".");
    const [whole, , ...more] = swapped.split(".");
    return more.length === 0 && GROUPS.test(whole!) ? (isPoint ? "point" : "comma") : "bad";
  }
  const mark = points > 0 ? "." : ",";
  if (points + commas > 1) {
    if (!GROUPS.test(plain.replaceAll(".", ","))) return "bad";
    return mark === "," ? "point" : "comma";
  }
  const own = mark === "." ? "point" : "comma";
  const [before, after] = plain.split(mark) as [string, string];
  const isEither = after.length === 3 && /^[1-9]\d{0,2}$/.test(before) && exponent === undefined &&
    !/[ ']/.test(digits);
  return isEither ? `either ${own}` : own;
}

/** The number of a body under a decimal mark; NaN if it does not fit. */
function valueOf({ sign, body, power }: Written, mark: DecimalMark): number {
  const [digits = "", exponent = "0"] = body.split(/e/i);
  const plain = withoutSpaces(digits);
  if (plain === undefined) return NaN;
  const pointed = mark === "point" ? plain : plain.replace(/[.,]/g, (other) => other === "." ? "," : ".");
  const [whole = "", fraction, ...more] = pointed.split(".");
  if (more.length > 0 || fraction?.includes(",") || (whole.includes(",") && !GROUPS.test(whole))) return NaN;
  // A power of ten in the text keeps the decimals exact.
  return sign * Number(`${whole.replaceAll(",", "")}.${fraction ?? ""}e${Number(exponent) + power}`);
}

/** What a column's cells say, before the decimal mark is known. */
interface Scan {
  readonly column: TableColumn;
  readonly values: Float64Array;
  readonly missing: number;
  /** Rows with more than digits and one point. */
  readonly marked: readonly number[];
  /** The first row with each meaning. */
  readonly first: Readonly<Partial<Record<Meaning, number>>>;
  /** A row with a whole number below 1000 and without a mark. */
  readonly small: number | undefined;
  readonly unit: string;
}

/** Reads plain numbers of a column at once and sorts the others by what their marks mean. */
function scan(column: TableColumn, fail: (row: number) => never, failUnit: (row: number, unit: string) => never): Scan {
  const { cells, isTyped } = column;
  const values = new Float64Array(cells.length).fill(NaN);
  const marked: number[] = [];
  const first: Partial<Record<Meaning, number>> = {};
  let [missing, unit, small, unitless]: [number, string, number | undefined, number | undefined] = [
    0,
    "",
    undefined,
    undefined,
  ];
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]!;
    const after = plainDigits(cell);
    if (after === undefined) {
      if (isMissing(cell)) {
        missing++;
        continue;
      }
      const written = takeApart(cell);
      if (written === undefined) fail(row);
      const meaning = meaningOf(written.body);
      if (meaning === "bad") fail(row);
      first[meaning] ??= row;
      if (written.unit === "") unitless ??= row;
      else if (unit === "" || unit.toUpperCase() === written.unit.toUpperCase()) unit = written.unit;
      else failUnit(row, unit);
      marked.push(row);
      continue;
    }
    values[row] = Number(cell);
    unitless ??= row;
    if (after === 0) {
      if (cell.length <= 3 && Math.abs(values[row]!) >= 1) small ??= row;
    } else if (after === 3 && !isTyped && isEitherPoint(cell)) {
      if (first["either point"] === undefined) first["either point"] = row;
      marked.push(row);
    } else if (first.point === undefined) first.point = row;
  }
  if (/[%‰]/.test(unit) && unitless !== undefined) failUnit(unitless, unit);
  if (isTyped) return { column, values, missing, marked: [], first: {}, small: undefined, unit };
  return { column, values, missing, marked, first, small, unit };
}

/** Digits after the point of a number that is only digits with at most one point and a minus; undefined for others. */
function plainDigits(cell: string): number | undefined {
  const { length } = cell;
  if (length === 0 || length > 30) return undefined;
  let [at, point] = [cell.charCodeAt(0) === 45 ? 1 : 0, -1];
  if (at === length) return undefined;
  for (; at < length; at++) {
    const code = cell.charCodeAt(at);
    if (code === 46) {
      if (point >= 0 || length === 1) return undefined;
      point = at;
    } else if (code < 48 || code > 57) return undefined;
  }
  if (point === length - 1 && length === 2 && cell.charCodeAt(0) === 45) return undefined;
  return point < 0 ? 0 : length - point - 1;
}

/** Whether a point before three digits may be one of thousands. */
function isEitherPoint(cell: string): boolean {
  const start = cell.charCodeAt(0) === 45 ? 1 : 0;
  const before = cell.length - 4 - start;
  return before >= 1 && before <= 3 && cell.charCodeAt(start) !== 48;
}

/**
 * Reads columns of numbers in whatever convention they are written. The decimal mark is decided for each column from
 * all of its values; a column that leaves it open follows the others that are read.
 *
 * @param columns The columns to read; no other column decides anything.
 * @param decimal The decimal mark, if the user names it.
 * @throws {TableError} If a value is no number, or nothing decides between thousands and decimals.
 */
export function readNumbers(
  table: Table,
  columns: readonly TableColumn[],
  decimal?: DecimalMark,
): NumberColumn[] {
  const fail = failIn(table.file);
  const at = (column: TableColumn, row: number) => `${table.where(row)}, column ${titleOf(column)}`;
  const cell = (column: TableColumn, row: number) => quoted(column.cells[row]!.trim());
  const bad = (column: TableColumn, row: number): never =>
    fail(`${at(column, row)}: it must be a number, got ${cell(column, row)}`);
  const scans = columns.map((column) =>
    scan(column, (row) => bad(column, row), (row, unit) =>
      fail(
        `${at(column, row)}: its numbers must all be in the same unit, ${quoted(unit)}, got ${cell(column, row)}; ` +
          "write them in one unit",
      ))
  );
  const decided = new Set(scans.map(({ first }) => plainMark(first)).filter((mark) => mark !== undefined));
  const common = decided.size === 1 ? [...decided][0] : undefined;
  return scans.map((one) => {
    const { column, values, marked, first, unit, missing } = one;
    const notes: Note[] = [];
    const mark = decimal ?? decide(one);
    for (const row of marked) {
      const value = valueOf(takeApart(column.cells[row]!)!, mark);
      if (Number.isNaN(value)) {
        fail(
          `${at(column, row)}: it must be a number with a decimal ${mark}` +
            `${decimal === undefined ? " as the others have" : ""}, got ${cell(column, row)}`,
        );
      }
      values[row] = value;
    }
    const infinite = values.indexOf(Infinity) >= 0 ? values.indexOf(Infinity) : values.indexOf(-Infinity);
    if (infinite >= 0) fail(`${at(column, infinite)}: it must be a number below 1e308, got ${cell(column, infinite)}`);
    if (mark === "comma" && (first.comma ?? first["either comma"]) !== undefined) {
      notes.push(note(`column ${titleOf(column)}: commas are decimal marks`));
    }
    if (unit === "%" || unit === "‰") {
      notes.push(note(`column ${titleOf(column)}: numbers are in ${unit}; 5 ${unit} is read as 5`));
    } else if (unit !== "") notes.push(note(`column ${titleOf(column)}: the currency ${quoted(unit)} is dropped`));
    return { title: column.title, values, missing, notes };

    function decide({ first, small }: Scan): DecimalMark {
      if (first.point !== undefined && first.comma !== undefined) {
        const [a, b] = [first.point, first.comma].sort((a, b) => a - b) as [number, number];
        fail(
          `column ${titleOf(column)}: all numbers must have the same decimal mark, got ${cell(column, a)} in ` +
            `${table.where(a)} and ${cell(column, b)} in ${table.where(b)}`,
        );
      }
      const own = plainMark(first);
      if (own !== undefined) return own;
      const [point, comma] = [first["either point"], first["either comma"]];
      if (common !== undefined) return common;
      // A whole number beside 1.234 speaks for thousands, and three decimals everywhere for decimals.
      const isOpen = comma !== undefined || (point !== undefined && small !== undefined);
      if (!isOpen) {
        if (point !== undefined) {
          const [read, other] = (["point", "comma"] as const).map((mark) =>
            valueOf(takeApart(column.cells[point]!)!, mark)
          );
          notes.push(
            note(
              `column ${titleOf(column)}: ${cell(column, point)} is read as ${read}; --decimal comma reads ${other}`,
            ),
          );
        }
        return "point";
      }
      const row = comma ?? point!;
      const written = takeApart(column.cells[row]!)!;
      const [asPoint, asComma] = (["point", "comma"] as const).map((mark) => valueOf(written, mark));
      return fail(
        `${at(column, row)}: nothing tells whether ` +
          `${cell(column, row)} is ${asPoint} (--decimal point) or ${asComma} ` +
          "(--decimal comma), since all its values fit both; add the one that is meant",
      );
    }
  });
}

/** The decimal mark that values decide by themselves. */
function plainMark({ point, comma }: Scan["first"]): DecimalMark | undefined {
  return point !== undefined && comma === undefined
    ? "point"
    : comma !== undefined && point === undefined
    ? "comma"
    : undefined;
}

/** What messages call a column. */
export function titleOf({ title, position }: TableColumn): string {
  return title === "" ? `${position} (without a title)` : printable(title, 40);
}

/** What is said of rows that are left out. */
export function missingNote(count: number, title: string, where: string): Note {
  return note(`${counted(count, "row")} without a value in column ${title} left out, the first is ${where}`);
}
