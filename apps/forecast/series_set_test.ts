import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { readTable } from "../shared/tables/read_table.ts";
import { findSeason, seasonsOf } from "./season.ts";
import { readSeriesSet, type SeriesSet, type SetOptions } from "./series_set.ts";

async function read(text: string, options: SetOptions = {}): Promise<SeriesSet> {
  const { table } = await readTable(new TextEncoder().encode(text), "file.csv");
  return readSeriesSet(table, options);
}

/** The first days of months after 2020. */
const MONTHS = Array.from({ length: 6 }, (_, i) => `2020-0${i + 1}`);

function valuesOf({ series }: SeriesSet): Record<string, number[]> {
  return Object.fromEntries(series.map(({ id, values }) => [id, [...values]]));
}

Deno.test("one series, with and without dates", async () => {
  const one = await read(`month,sales\n${MONTHS.map((month, i) => `${month},${i + 1}`).join("\n")}\n`);
  assert.equal(one.arrangement, "one");
  assert.deepEqual(one.frequency, { unit: "month", every: 1 });
  assert.deepEqual(valuesOf(one), { sales: [1, 2, 3, 4, 5, 6] });
  const [first] = one.series as [SeriesSet["series"][0]];
  assert.deepEqual([first.from, first.to, first.next(2)], ["2020-01", "2020-06", ["2020-07", "2020-08"]]);
  const bare = await read("load\n5\n6\n4\n");
  assert.deepEqual(valuesOf(bare), { load: [5, 6, 4] });
  assert.deepEqual(bare.series[0]!.next(2), ["4", "5"]);
});

Deno.test("a wide table: a series a column, which may begin and end at other dates", async () => {
  const rows = ["1,,7.5", "2,4,6.5", ",5,5.5", "4,6,4.5", "5,7,", "6,8,"];
  const set = await read(`month,a,b,c\n${MONTHS.map((month, i) => `${month},${rows[i]}`).join("\n")}\n`);
  assert.equal(set.arrangement, "wide");
  assert.deepEqual(valuesOf(set), { a: [1, 2, 3, 4, 5, 6], b: [4, 5, 6, 7, 8], c: [7.5, 6.5, 5.5, 4.5] });
  assert.deepEqual(set.series.map((one) => one.next(1)), [["2020-07"], ["2020-07"], ["2020-05"]]);
  assert.match(set.notes.map(({ text }) => text).join(), /1 missing date filled on a line/);
  assert.deepEqual(valuesOf(await read("t,a,b\n2020-01,1,2\n2020-02,3,4\n", { column: "b" })), { b: [2, 4] });
});

Deno.test("a long table: rows of several series in any order", async () => {
  const rows = MONTHS.flatMap((month, i) => [`${month},north,${i + 1}`, `${month},south,${10 * i}.5`]).reverse();
  const set = await read(`month,store,sales\n${rows.join("\n")}\n`, { seriesColumn: "store" });
  assert.equal(set.arrangement, "long");
  assert.deepEqual(valuesOf(set), { south: [0.5, 10.5, 20.5, 30.5, 40.5, 50.5], north: [1, 2, 3, 4, 5, 6] });
  assert.deepEqual(valuesOf(await read(`month,store,sales\n${rows.join("\n")}\n`)), valuesOf(set));
});

Deno.test("one series a row: ids, then values up to each series' end", async () => {
  const head = ["V1", ...Array.from({ length: 10 }, (_, i) => `V${i + 2}`)].join(",");
  const set = await read(`${head}\nH1,1,2,3,4,5,6,7,8,9,10\nH2,3,2,,4,3,2,,,,\n`);
  assert.equal(set.arrangement, "rows");
  assert.deepEqual(valuesOf(set), { H1: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], H2: [3, 2, 3, 4, 3, 2] });
  assert.deepEqual(set.series[1]!.next(1), ["7"]);
});

Deno.test("zeros before the first event are left out, but not of series with negative values", async () => {
  const set = await read("a,b\n0,0\n0,0\n3,1\n0,-1\n2,2\n", { dateColumn: "none" });
  assert.deepEqual(valuesOf(set), { a: [3, 0, 2], b: [0, 0, 1, -1, 2] });
  assert.match(set.notes.map(({ text }) => text).join(), /2 zeros before the first sale or event left out/);
});

Deno.test("what is wrong with a file is said with its place and what to try", async () => {
  const refused = async (text: string, message: RegExp, options: SetOptions = {}) =>
    await assert.rejects(read(text, options), message);
  await refused(
    "date,id,x\n2020-01,a,1\n2020-02,a,2\n2020-02,a,3\n2020-01,b,1\n2020-02,b,1\n",
    /line 4: 2020-02 must be there once for "a", got it with 3 and in line 3 with 2/,
    { seriesColumn: "id" },
  );
  await refused(
    "date,x\n2020-01,1\n2020-01,2\n",
    /line 3: 2020-01 must be there once, got it with 2 and in line 2 with 1.*--series-column/,
  );
  const head = Array.from({ length: 11 }, (_, i) => `V${i + 1}`).join(",");
  await refused(
    `${head}\nH1,1,2,3,4,5,6,7,8,9,10\nH1,1,2,3,4,5,6,7,8,9,10\n`,
    /line 3: the id "H1" must be there once, got it in line 2 too/,
    { layout: "rows" },
  );
  await refused("date,x\n2020-01,\n2020-02,NA\n", /must have (?:a column of )?numbers/);
  await refused("date,x\n2020-01,1\n", /column "y" is missing; --column must be one of "x"/, { column: "y" });
});

Deno.test("the season comes from the dates, or from the values without dates", () => {
  const random = new Random(1);
  const series = (season: number, length: number) =>
    Float64Array.from({ length }, (_, t) => 10 * Math.sin(2 * Math.PI * t / season) + 0.05 * t + random.normal());
  assert.deepEqual(seasonsOf({ unit: "hour", every: 1 }), [24, 168]);
  assert.deepEqual(seasonsOf({ unit: "minute", every: 30 }), [2, 48, 336]);
  assert.deepEqual(seasonsOf({ unit: "year", every: 1 }), []);
  assert.equal(findSeason([series(24, 300)], { unit: "hour", every: 1 }), 24);
  assert.equal(findSeason([series(12, 100), series(12, 60)], { unit: "month", every: 1 }), 12);
  const noise = Float64Array.from({ length: 200 }, () => random.normal());
  assert.equal(findSeason([noise], { unit: "day", every: 1 }), 1);
  assert.equal(findSeason([series(24, 400), series(24, 300), noise], { unit: "step", every: 1 }), 24);
  assert.equal(findSeason([noise], { unit: "step", every: 1 }), 1);
});
