import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, unpack } from "./decode.ts";
import { parseTable } from "./parse_table.ts";
import { readSeries, type SeriesOptions } from "./series.ts";
import { TableError } from "./table.ts";

/** How a table is written. */
interface Convention {
  readonly delimiter: "," | ";" | "\t" | "|";
  readonly quote: "all" | "needed";
  readonly lineEnd: "\n" | "\r\n" | "\r";
  readonly header: boolean;
  readonly preamble: readonly string[];
  readonly trailing: boolean;
  readonly index: boolean;
  readonly blank: boolean;
  readonly decimal: "." | ",";
  readonly thousands: "" | "." | "," | " " | "'" | "\u202f" | "india";
  readonly currency: "" | "$" | "€" | "USD " | " kr";
  readonly negative: "-" | "\u2212" | "()";
  readonly missing: string;
  readonly date: keyof typeof DATES;
  readonly order: "oldest" | "newest";
  readonly encoding: "utf-8" | "utf-8 mark" | "utf-16le" | "utf-16be mark" | "gzip";
  readonly format: "separated" | "records" | "columns" | "lines";
}

const pad = (value: number) => String(value).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Ways to write a day. */
const DATES = {
  iso: (date: Date) => date.toISOString().slice(0, 10),
  timed: (date: Date) => `${date.toISOString().slice(0, 10)} 00:00:00-05:00`,
  seconds: (date: Date) => String(date.getTime() / 1000),
  milliseconds: (date: Date) => String(date.getTime()),
  compact: (date: Date) => date.toISOString().slice(0, 10).replaceAll("-", ""),
  slashes: (date: Date) => date.toISOString().slice(0, 10).replaceAll("-", "/"),
  dmy: (date: Date) => `${pad(date.getUTCDate())}/${pad(date.getUTCMonth() + 1)}/${date.getUTCFullYear()}`,
  mdy: (date: Date) => `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()}`,
  dots: (date: Date) => `${date.getUTCDate()}.${date.getUTCMonth() + 1}.${date.getUTCFullYear()}`,
  name: (date: Date) => `${MONTHS[date.getUTCMonth()]} ${pad(date.getUTCDate())}, ${date.getUTCFullYear()}`,
  short: (date: Date) =>
    `${pad(date.getUTCDate())}-${MONTHS[date.getUTCMonth()]}-${String(date.getUTCFullYear()).slice(2)}`,
} as const;

const convention: fc.Arbitrary<Convention> = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  quote: fc.constantFrom("all", "needed"),
  lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
  header: fc.boolean(),
  preamble: fc.subarray(["# a comment", "", "https://example.org/prices", "// another"]),
  trailing: fc.boolean(),
  index: fc.boolean(),
  blank: fc.boolean(),
  decimal: fc.constantFrom(".", ","),
  thousands: fc.constantFrom("", ".", ",", " ", "'", "\u202f", "india"),
  currency: fc.constantFrom("", "$", "€", "USD ", " kr"),
  negative: fc.constantFrom("-", "\u2212", "()"),
  missing: fc.constantFrom("", ".", "NA", "NaN", "null", "-", "#N/A"),
  date: fc.constantFrom(...Object.keys(DATES) as (keyof typeof DATES)[]),
  order: fc.constantFrom("oldest", "newest"),
  encoding: fc.constantFrom("utf-8", "utf-8 mark", "utf-16le", "utf-16be mark", "gzip"),
  format: fc.constantFrom("separated", "separated", "separated", "records", "columns", "lines"),
});

/** A value; NaN is a missing one. */
function written(
  value: number,
  { decimal, thousands, currency, negative, missing }: Convention,
  digits: number,
): string {
  if (Number.isNaN(value)) return missing;
  const [whole, fraction] = Math.abs(value).toFixed(digits).split(".") as [string, string | undefined];
  const mark = thousands === "india" ? (decimal === "," ? "." : ",") : thousands === decimal ? "" : thousands;
  const grouped = thousands === "india"
    ? whole.replace(/(\d)(?=(?:\d\d)*\d{3}$)/g, `$1${mark}`)
    : whole.replace(/\d(?=(?:\d{3})+$)/g, `$&${mark}`);
  const number = fraction === undefined ? grouped : `${grouped}${decimal}${fraction}`;
  const money = currency.startsWith(" ") ? number + currency : currency + number;
  return value >= 0 ? money : negative === "()" ? `(${money})` : `${negative}${money}`;
}

function cellOf(cell: string, { delimiter, quote }: Convention): string {
  const must = cell.includes(delimiter) || cell.includes('"');
  return quote === "all" || must ? `"${cell.replaceAll('"', '""')}"` : cell;
}

interface Data {
  readonly dates: readonly Date[];
  readonly values: readonly number[];
  readonly digits: number;
}

function textOf({ dates, values, digits }: Data, how: Convention): string {
  const rows = dates.map((date, i): [string, string] => [DATES[how.date](date), written(values[i]!, how, digits)]);
  if (how.order === "newest") rows.reverse();
  const records = rows.map(([date, close]) => ({ date, close }));
  if (how.format === "records") return JSON.stringify(records);
  if (how.format === "lines") return records.map((record) => JSON.stringify(record)).join("\n");
  if (how.format === "columns") {
    return JSON.stringify({
      date: rows.map(([date]) => date),
      close: rows.map(([, close]) => close),
    });
  }
  const line = (cells: readonly string[]) => cells.map((cell) => cellOf(cell, how)).join(how.delimiter);
  const body = rows.map((row, i) => line(how.index ? [String(i), ...row] : row) + (how.trailing ? how.delimiter : ""));
  if (how.blank) body.splice(body.length >> 1, 0, "");
  const header = how.header ? [line(how.index ? ["", "Date", "Close"] : ["Date", "Close"])] : [];
  return [...how.preamble, ...header, ...body, ""].join(how.lineEnd);
}

async function bytesOf(text: string, encoding: Convention["encoding"]): Promise<Uint8Array<ArrayBuffer>> {
  const utf8 = new TextEncoder().encode(encoding === "utf-8 mark" ? `\uFEFF${text}` : text);
  if (encoding === "gzip") {
    const stream = new Blob([utf8]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  if (!encoding.startsWith("utf-16")) return utf8;
  const marked = encoding.endsWith("mark") ? `\uFEFF${text}` : text;
  const view = new DataView(new ArrayBuffer(2 * marked.length));
  for (let i = 0; i < marked.length; i++) view.setUint16(2 * i, marked.charCodeAt(i), encoding === "utf-16le");
  return new Uint8Array(view.buffer);
}

async function readBack(data: Data, how: Convention, options: SeriesOptions = {}) {
  const bytes = await bytesOf(textOf(data, how), how.encoding);
  return readSeries(parseTable(decode(await unpack(bytes, "f"), "f").text, "f"), options);
}

/** Whether what was read is what was written, missing rows aside. */
function isSame({ dates, values, digits }: Data, read: { labels: readonly string[]; values: Float64Array }): boolean {
  const kept = values.map((value, i) => [DATES.iso(dates[i]!), Number(value.toFixed(digits))] as const)
    .filter(([, value]) => !Number.isNaN(value));
  return kept.length === read.labels.length &&
    kept.every(([date, value], i) => read.labels[i] === date && read.values[i] === value);
}

/** Business days with values that walk. */
const data: fc.Arbitrary<Data> = fc.record({
  count: fc.integer({ min: 25, max: 60 }),
  start: fc.integer({ min: 0, max: 9000 }),
  level: fc.constantFrom(1, 50, 900, 1500, 250_000, 2_000_000),
  signed: fc.boolean(),
  digits: fc.constantFrom(0, 1, 2, 3, 4),
  holes: fc.uniqueArray(fc.integer({ min: 1, max: 22 }), { maxLength: 2 }),
  steps: fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 60, maxLength: 60 }),
}).map(({ count, start, level, signed, digits, holes, steps }) => {
  const dates: Date[] = [];
  for (let day = start; dates.length < count; day++) {
    const date = new Date(Date.UTC(1995, 0, 2) + day * 86_400_000);
    if (date.getUTCDay() % 6 !== 0) dates.push(date);
  }
  const values = dates.map((_, i) =>
    holes.includes(i) ? NaN : (level + level * steps[i]! / 1000) * (signed && steps[i]! < -40 ? -1 : 1)
  );
  return { dates, values, digits };
});

Deno.test("a table in any mixture of conventions reads back the same or is an error, never different", async () => {
  let [same, asked] = [0, 0];
  await fc.assert(
    fc.asyncProperty(data, convention, async (data, how) => {
      try {
        const read = await readBack(data, how);
        // A point before three digits in all values is a decimal mark unless something says otherwise, and said aloud.
        const isSaid = read.notes.some(({ text }) => /is read as .*; --decimal comma reads/.test(text)) &&
          isSame(data, await readBack(data, how, { decimal: "comma" }));
        assert.ok(isSaid || isSame(data, read), `${JSON.stringify(how)}\n${textOf(data, how).slice(0, 300)}`);
        same++;
      } catch (error) {
        if (!(error instanceof TableError)) throw error;
        // What is asked is answered by an option, and the option reads it.
        const option = /--decimal/.test(error.message)
          ? { decimal: how.decimal === "." ? "point" as const : "comma" as const }
          : /--date-format/.test(error.message)
          ? { dateFormat: how.date === "mdy" ? "MDY" : "DMY" }
          : undefined;
        assert.ok(option !== undefined, `${error.message}\n${JSON.stringify(how)}\n${textOf(data, how).slice(0, 300)}`);
        asked++;
        assert.ok(isSame(data, await readBack(data, how, option)), error.message);
      }
    }),
    { numRuns: 400, seed: 22 },
  );
  // Nearly all of them need no question.
  assert.ok(same > 5 * asked, `${same} read, ${asked} asked`);
});

Deno.test("cells with delimiters, quotes and line breaks come back as they are", () => {
  const cell = fc.string({ unit: fc.constantFrom(..."ab ,;\t|\"'\n#1.é中"), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, fc.constantFrom("pos", "neg")), { minLength: 3, maxLength: 30 }), (rows) => {
      const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = ["text,label", ...rows.map(([text, label]) => `${quoted(text)},${quoted(label)}`)].join("\n");
      let table;
      try {
        table = parseTable(text, "f", { delimiter: "," });
      } catch (error) {
        // A cell that holds what looks like a row is asked about.
        assert.match(`${error}`, /swallows the rows/);
        return;
      }
      const kept = rows.filter(([text, label]) => `${text}${label}`.trim() !== "");
      assert.deepEqual([...table.columns[0]!.cells], kept.map(([text]) => text));
    }),
    { numRuns: 300, seed: 22 },
  );
});

Deno.test("whatever bytes come, they are read or refused by an error of the file, in one line", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.string({ unit: "grapheme", maxLength: 200 }), (bytes, text) => {
      for (const input of [new Uint8Array(bytes), new TextEncoder().encode(`Date,Close\n2023-10-02,${text}\n`)]) {
        try {
          readSeries(parseTable(decode(input, "f").text, "f"));
        } catch (error) {
          assert.ok(error instanceof TableError, `${(error as Error).stack}`);
          // deno-lint-ignore no-control-regex
          assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f]/);
          assert.ok(error.message.length < 1200);
        }
      }
    }),
    { numRuns: 500, seed: 22 },
  );
});
