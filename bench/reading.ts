/**
 * Times reading a table of 1,000,000 rows, from its bytes to a series with dates, against d3-dsv cutting the same text
 * into cells and no more, in turns; and the memory that one reading takes.
 *
 *     deno task bench reading
 *
 * @module
 */

// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvParseRows } from "npm:d3-dsv@3.0.2";
import { Random } from "@unfold/core";
import { formatNumber, table } from "../apps/shared/format.ts";
import { readTable } from "../apps/shared/tables/read_table.ts";
import { readSeries } from "../apps/shared/tables/series.ts";
import { median } from "./_measure.ts";

const ROWS = 1_000_000;
const ROUNDS = 5;

/** Bars of a minute as bytes of a CSV: date, open, high, low, close and volume. */
function makeBytes(date: (minute: number) => string): Uint8Array<ArrayBuffer> {
  const random = new Random(1);
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(80 * ROWS);
  let end = encoder.encodeInto("Date,Open,High,Low,Close,Volume\n", bytes).written;
  let price = 100;
  for (let minute = 0; minute < ROWS; minute++) {
    price *= Math.exp(random.uniform(-1e-3, 1e-3));
    const [open, high, low, close] = [1, 1.01, 0.99, 1.001].map((factor) => (price * factor).toFixed(2));
    const line = `${date(minute)},${open},${high},${low},${close},${1000 + minute % 1000}\n`;
    end += encoder.encodeInto(line, bytes.subarray(end)).written;
  }
  return bytes.slice(0, end);
}

const START = Date.UTC(2000, 0, 1);
const isoOf = (minute: number) => new Date(START + minute * 60_000).toISOString();
/** Dates that are read fast, and dates that take a regular expression. */
const FORMS: Readonly<Record<string, (minute: number) => string>> = {
  "2000-01-01 00:00:00": (minute) => isoOf(minute).slice(0, 19).replace("T", " "),
  "01/31/2000 00:00": (minute) => {
    const iso = isoOf(minute);
    return `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)} ${iso.slice(11, 16)}`;
  },
};

async function seconds(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

const rows: string[][] = [];
for (const [form, date] of Object.entries(FORMS)) {
  const bytes = makeBytes(date);
  const read = async () => {
    const series = readSeries((await readTable(bytes, "bars.csv")).table, { positive: true });
    if (series.values.length !== ROWS || series.frequency.unit !== "minute") {
      throw new Error("Cannot time: wrong result");
    }
  };
  const cut = () => {
    if (csvParseRows(new TextDecoder().decode(bytes)).length !== ROWS + 1) throw new Error("Cannot time: wrong result");
  };
  await read();
  const memory = Deno.memoryUsage().rss / 1e6;
  const times: [ours: number, plain: number][] = [];
  for (let round = 0; round < ROUNDS; round++) times.push([await seconds(read), await seconds(cut)]);
  const [ours, plain] = [median(times.map(([ours]) => ours)), median(times.map(([, plain]) => plain))];
  const ratio = median(times.map(([ours, plain]) => ours / plain));
  rows.push([form, ours.toFixed(2), plain.toFixed(2), ratio.toFixed(1), formatNumber(Math.round(memory))]);
}
console.log(table(["dates", "read, s", "d3-dsv cells alone, s", "ratio", "process after one reading, MB"], rows));
