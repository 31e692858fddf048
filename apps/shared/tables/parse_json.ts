import { kindOf } from "./cell_kinds.ts";
import { failIn, type Note, note, type Table, type TableColumn } from "./table.ts";
import { listed, quoted } from "../printable.ts";

/** A JSON value. */
type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/** How deep a document is searched for a table. */
const DEPTH = 8;

/**
 * Reads a JSON document or JSON lines as a table: an array of objects or of arrays, columns of arrays, what pandas
 * writes, one of these inside other data.
 *
 * @returns undefined if the text is not JSON.
 */
export function parseJson(text: string, file: string): Table | undefined {
  const first = /\S/.exec(text)?.[0];
  if (first !== "{" && first !== "[") return undefined;
  const fail = failIn(file);
  let document: Json;
  try {
    document = JSON.parse(text);
  } catch (error) {
    const lines = parseLines(text, file);
    if (lines !== undefined) return lines;
    // A CSV may begin with a bracket too.
    if (first === "[" && !/^\s*\[\s*[\[{"\d\-n\]]/.test(text)) return undefined;
    return fail(jsonProblem(text, error as Error));
  }
  // A file of JSON lines may have one line.
  if (isObject(document) && !Object.values(document).some((value) => typeof value === "object" && value !== null)) {
    return fromRecords([document], file, "JSON lines", () => "line 1", []);
  }
  return findTable(document, file) ??
    fail("it must have an array of objects, of arrays, or an object of arrays of equal length, got none of these");
}

/** What is wrong with a JSON document, with its line. */
function jsonProblem(text: string, error: Error): string {
  const position = /position (\d+)/.exec(error.message)?.[1];
  const line = position === undefined ? "" : `line ${text.slice(0, Number(position)).split("\n").length}: `;
  const reason = error.message.replace(/ in JSON.*| \(line.*/s, "").replace(/,? "[^]*/, "");
  return `${line}it must be a JSON document or have a JSON value on each line (${quoted(reason, 60).slice(1, -1)})`;
}

function parseLines(text: string, file: string): Table | undefined {
  const records: Json[] = [];
  const lines: number[] = [];
  let line = 0;
  for (const content of text.split("\n")) {
    line++;
    if (content.trim() === "") continue;
    try {
      records.push(JSON.parse(content));
    } catch (error) {
      // If not even the first line is JSON alone, this is a document with a fault.
      if (records.length === 0) return undefined;
      failIn(file)(`line ${line}: ${jsonProblem(content, error as Error).replace(/^line \d+: /, "")}`);
    }
    lines.push(line);
  }
  const where = (row: number) => `line ${lines[row]}`;
  if (records.every(isObject)) return fromRecords(records, file, "JSON lines", where, []);
  if (records.every(Array.isArray)) return fromArrays(records, file, where, []);
  const odd = records.findIndex((record) => !isObject(record));
  return failIn(file)(`${where(odd)}: each line must be a JSON object, got ${quoted(JSON.stringify(records[odd]))}`);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: Json): boolean {
  return typeof value !== "object" || value === null;
}

const rowWhere = (row: number) => `row ${row + 1}`;

/** The table in a document: the largest one, if there are several. */
function findTable(document: Json, file: string): Table | undefined {
  if (isObject(document) && Array.isArray(document.columns) && Array.isArray(document.data)) {
    return fromSplit(document, file);
  }
  const found: { path: string; make: (notes: readonly Note[]) => Table; size: number }[] = [];
  const series: { path: string; values: readonly Json[] }[] = [];
  const visit = (value: Json, path: string, depth: number) => {
    if (depth > DEPTH) return;
    if (Array.isArray(value)) {
      if (value.length > 0 && value.every(isObject)) {
        if (value.length > 1 || depth === 0) {
          const make = (notes: readonly Note[]) => fromRecords(value, file, "JSON", rowWhere, notes);
          found.push({ path, make, size: value.length });
        } else visit(value[0], path, depth + 1);
      } else if (value.length > 0 && value.every(Array.isArray)) {
        found.push({ path, make: (notes) => fromArrays(value, file, rowWhere, notes), size: value.length });
      } else if (value.length > 0 && value.every(isScalar)) series.push({ path, values: value });
      return;
    }
    if (!isObject(value)) return;
    const entries = Object.entries(value);
    if (entries.length > 0 && entries.every(([, inner]) => isObject(inner) && Object.values(inner).every(isScalar))) {
      const make = (notes: readonly Note[]) => fromNested(value as Record<string, JsonObject>, file, notes);
      const sizes = entries.map(([, inner]) => Object.keys(inner as JsonObject).length);
      // Facts about the data are an object too, but a small one.
      found.push({ path, make, size: Math.max(entries.length, ...sizes.slice(0, 1000)) });
      if (entries.length > 1) return;
    }
    for (const [key, inner] of entries) visit(inner, path === "" ? key : `${path}.${key}`, depth + 1);
  };
  visit(document, "", 0);
  const best = found.toSorted((a, b) => b.size - a.size)[0];
  const longest = Math.max(0, ...series.map(({ values }) => values.length));
  if (best === undefined || longest > best.size) {
    if (series.length === 0) return undefined;
    return fromSeries(series.filter(({ values }) => values.length === longest), series.length, file);
  }
  const others = found.filter((one) => one !== best && one.size === best.size);
  const notes = others.length > 0 && best.path !== ""
    ? [
      note(
        `of several tables of the same size ${quoted(best.path)} is read, not ` +
          `${listed(others.map(({ path }) => path))}`,
      ),
    ]
    : [];
  return best.make(notes);
}

/** An object of arrays; the arrays may be at any depth. */
function fromSeries(
  columns: readonly { readonly path: string; readonly values: readonly Json[] }[],
  all: number,
  file: string,
): Table {
  const { length } = columns[0]!.values;
  const isFlat = columns.every(({ path }) => !path.includes("."));
  if (isFlat && columns.length < all) {
    failIn(file)(`its arrays must have the same length, got ${columns.length} of ${all} with ${length} values`);
  }
  const names = columns.map(({ path }) => path.split(".").at(-1)!);
  const unique = new Set(names).size === names.length;
  const made = columns.map(({ path, values }, i) => columnOf(unique ? names[i]! : path, i, values));
  return makeTable(file, "JSON", made, length, rowWhere, []);
}

/** What pandas writes with orient="split". */
function fromSplit({ columns, data, index }: JsonObject, file: string): Table {
  const titles = (columns as readonly Json[]).map((title) =>
    Array.isArray(title) ? title.join(" ").trim() : String(title)
  );
  const rows = data as readonly Json[];
  if (!rows.every(Array.isArray)) failIn(file)("its data must be an array of arrays");
  const withIndex = Array.isArray(index) && index.length === rows.length;
  const cells = (rows as readonly (readonly Json[])[]).map((row, i) => withIndex ? [index[i], ...row] : row);
  return fromArrays([withIndex ? ["", ...titles] : titles, ...cells], file, rowWhere, [], true);
}

/** An object of objects: rows by their key, or columns by their title. */
function fromNested(value: Readonly<Record<string, JsonObject>>, file: string, notes: readonly Note[]): Table {
  const keys = Object.keys(value);
  const inner = [...new Set(Object.values(value).flatMap(Object.keys))];
  // Keys that are dates or numbers name rows.
  const isKey = (key: string) => ["date", "number"].includes(kindOf(key));
  if (inner.every(isKey) && !keys.every(isKey)) {
    const columns = [
      columnOf("", 0, inner),
      ...keys.map((key, i) => columnOf(key, i + 1, inner.map((row) => value[key]![row]))),
    ];
    return makeTable(file, "JSON", columns, inner.length, rowWhere, notes);
  }
  const columns = [
    columnOf("", 0, keys),
    ...inner.map((title, i) => columnOf(title, i + 1, keys.map((key) => value[key]![title]))),
  ];
  return makeTable(file, "JSON", columns, keys.length, rowWhere, notes);
}

/** Objects inside a record become columns with a path as title. */
function flattened(record: JsonObject, prefix = "", depth = 0): [string, Json][] {
  return Object.entries(record).flatMap(([key, value]): [string, Json][] =>
    isObject(value) && depth < 3 ? flattened(value, `${prefix}${key}.`, depth + 1) : [[`${prefix}${key}`, value]]
  );
}

function fromRecords(
  records: readonly JsonObject[],
  file: string,
  format: "JSON" | "JSON lines",
  where: (row: number) => string,
  notes: readonly Note[],
): Table {
  const columns = new Map<string, Json[]>();
  records.forEach((record, row) => {
    for (const [title, value] of flattened(record)) {
      let values = columns.get(title);
      if (values === undefined) columns.set(title, values = []);
      values[row] = value;
    }
  });
  const made = [...columns].map(([title, values], i) =>
    columnOf(title, i, Array.from(records, (_, row) => values[row]))
  );
  return makeTable(file, format, made, records.length, where, notes);
}

function fromArrays(
  rows: readonly (readonly Json[])[],
  file: string,
  where: (row: number) => string,
  notes: readonly Note[],
  hasHeader = rows.length > 1 && rows[0]!.every((cell) => typeof cell === "string" && kindOf(cell) === "text") &&
    !rows[1]!.every((cell) => typeof cell === "string" && kindOf(cell) === "text"),
): Table {
  const titles = hasHeader ? rows[0]!.map(String) : undefined;
  const data = hasHeader ? rows.slice(1) : rows;
  const width = rows[0]!.length;
  const odd = data.findIndex((row) => row.length !== width);
  if (odd >= 0) {
    failIn(file)(
      `${where(odd + Number(hasHeader))}: it must have ${width} values as the first has, got ${data[odd]!.length}`,
    );
  }
  const columns = Array.from(
    { length: width },
    (_, column) => columnOf(titles?.[column] ?? `column ${column + 1}`, column, data.map((row) => row[column])),
  );
  const shifted = hasHeader ? (row: number) => where(row + 1) : where;
  return makeTable(file, "JSON", columns, data.length, shifted, notes, titles !== undefined);
}

function columnOf(title: string, index: number, values: readonly Json[]): TableColumn {
  const cells = values.map((value) =>
    value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)
  );
  const isTyped = values.every((value) => typeof value === "number" || value === null || value === undefined);
  return { title: title.trim(), position: index + 1, cells, ...(isTyped && { isTyped }) };
}

function makeTable(
  file: string,
  format: "JSON" | "JSON lines",
  columns: readonly TableColumn[],
  rowCount: number,
  where: (row: number) => string,
  notes: readonly Note[],
  hasHeader = true,
): Table {
  return { file, format, hasHeader, columns, rowCount, where, notes };
}
