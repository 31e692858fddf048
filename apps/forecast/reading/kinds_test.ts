import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { readTable } from "../../shared/tables/read_table.ts";
import { findSeason, seasonsOf } from "../season.ts";
import { readSeriesSet, type SeriesSet, type SetOptions } from "../series_set.ts";

async function read(text: string, options: SetOptions = {}): Promise<SeriesSet> {
  const { table } = await readTable(new TextEncoder().encode(text), "file.csv");
  return readSeriesSet(table, options);
}

function valuesOf({ series }: SeriesSet): Record<string, number[]> {
  return Object.fromEntries(series.map(({ id, values }) => [id, [...values]]));
}

const notesOf = ({ notes }: SeriesSet) => notes.map(({ text }) => text).join("\n");

/** The name of the frequency. */
const stepOf = ({ frequency: { unit, every } }: SeriesSet) => `${every} ${unit}`;

const csv = (...lines: readonly (readonly (string | number)[])[]) =>
  `${lines.map((line) => line.join(",")).join("\n")}\n`;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const day = (at: number, from = Date.UTC(2024, 0, 1)) => new Date(from + at * 86_400_000).toISOString().slice(0, 10);

Deno.test("a series a row with dates as titles: visits of pages, and columns about the series", async () => {
  const days = range(5).map((i) => day(i + 2));
  const set = await read(csv(["Page", ...days], ["a_en", 1, 2, 3, 4, 5], ["b_de", "", 7, 8, "", 9]));
  assert.deepEqual([set.arrangement, stepOf(set)], ["rows", "1 day"]);
  assert.deepEqual(valuesOf(set), { a_en: [1, 2, 3, 4, 5], b_de: [7, 8, 8.5, 9] });
  assert.deepEqual(set.series.map((one) => [one.from, ...one.next(1)]), [
    ["2024-01-03", "2024-01-08"],
    ["2024-01-04", "2024-01-08"],
  ]);

  const bank = await read(csv(
    ["Country Name", "Country Code", "Indicator Name", "Indicator Code", "2018", "2019", "2020 [YR2020]", "2021"],
    ["Aruba", "ABW", "Population", "SP.POP", 1, 2, 3, 4],
    ["Chad", "TCD", "Population", "SP.POP", 5, 6, 7, ".."],
  ));
  assert.deepEqual(stepOf(bank), "1 year");
  assert.deepEqual(valuesOf(bank), { Aruba: [1, 2, 3, 4], Chad: [5, 6, 7] });
  assert.deepEqual(bank.series.map((one) => one.next(2)), [["2022", "2023"], ["2021", "2022"]]);
  assert.match(notesOf(bank), /columns about the series that are not read: Country Code, Indicator Name/);

  const cases = await read(csv(
    ["Province/State", "Country/Region", "Lat", "Long", "1/22/20", "1/23/20", "1/24/20", "1/25/20"],
    ["", "Italy", 41.8, 12.5, 0, 0, 2, 3],
    ["Hubei", "China", 30.9, 112.2, 444, 444, 549, 761],
    ["Beijing", "China", 40.1, 116.4, 14, 22, 36, 41],
  ));
  assert.deepEqual(Object.keys(valuesOf(cases)), ["Italy", "Hubei/China", "Beijing/China"]);
  assert.deepEqual(cases.series[1]!.next(1), ["2020-01-26"]);
});

Deno.test("a series a row with titles that count, after several columns about it", async () => {
  const set = await read(csv(
    ["id", "item_id", "store_id", ...range(9).map((i) => `d_${i + 1}`)],
    ["F1_CA_1", "F1", "CA_1", 0, 0, 3, 0, 1, 2, 0, 4, 1],
    ["F1_CA_2", "F1", "CA_2", 5, 0, 3, 0, 1, 2, 0, 4, 0],
  ));
  assert.deepEqual(valuesOf(set), { F1_CA_1: [3, 0, 1, 2, 0, 4, 1], F1_CA_2: [5, 0, 3, 0, 1, 2, 0, 4, 0] });
  assert.deepEqual(set.series[0]!.next(1), ["10"]);
  // The same titles over columns with a date before them are series.
  const wide = await read(
    csv(["date", ...range(9).map((i) => `s${i + 1}`)], [day(0), ...range(9)], [day(1), ...range(9)]),
  );
  assert.deepEqual([wide.arrangement, wide.series.length], ["wide", 9]);
});

Deno.test("a year a row and a month a column, or the other way round", async () => {
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const anomalies = await read(csv(
    ["Year", ...months, "J-D"],
    [2022, ...range(12).map((i) => i / 10), 0.55],
    [2023, ...range(10).map((i) => 1 + i / 10), "***", "***", "***"],
  ));
  assert.deepEqual([anomalies.arrangement, stepOf(anomalies)], ["calendar", "1 month"]);
  assert.equal(anomalies.series[0]!.values.length, 22);
  assert.deepEqual([...anomalies.series[0]!.values.slice(10, 13)], [1, 1.1, 1]);
  assert.deepEqual(anomalies.series[0]!.next(1), ["2023-11"]);

  const travel = await read(csv(
    ["Month", '"1958"', '"1959"', '"1960"'],
    ...months.map((month, i) => [month.toUpperCase(), 300 + i, 400 + i, 500 + i]),
  ));
  assert.equal(travel.series[0]!.values.length, 36);
  assert.deepEqual([...travel.series[0]!.values.slice(10, 14)], [310, 311, 400, 401]);
  assert.deepEqual(travel.series[0]!.next(1), ["1961-01"]);

  const quarters = await read(csv(
    ["region", "year", "Q1", "Q2", "Q3", "Q4"],
    ["n", 2020, 1, 2, 3, 4],
    [
      "n",
      2021,
      5,
      6,
      7,
      8,
    ],
    ["s", 2020, 9, 9, 9, 9],
    ["s", 2021, 8, 8, 8, 8],
  ));
  assert.deepEqual(valuesOf(quarters), { n: [1, 2, 3, 4, 5, 6, 7, 8], s: [9, 9, 9, 9, 8, 8, 8, 8] });
  assert.equal(stepOf(quarters), "1 quarter");
});

Deno.test("dates in parts: year and month, year, month, day and hour, date and hour", async () => {
  const sunspots = await read(csv(["year", "month", "ssn"], [2023, 11, 5], [2023, 12, 6], [2024, 1, 7], [2024, 2, 8]));
  assert.deepEqual([stepOf(sunspots), valuesOf(sunspots)], ["1 month", { ssn: [5, 6, 7, 8] }]);
  assert.deepEqual(sunspots.series[0]!.next(1), ["2024-03"]);

  const air = await read(csv(
    ["No", "year", "month", "day", "hour", "pm2.5"],
    ...range(30).map((i) => [i + 1, 2010, 1, 1 + Math.floor(i / 24), i % 24, i === 3 ? "NA" : i]),
  ));
  assert.deepEqual([stepOf(air), air.series.length], ["1 hour", 1]);
  assert.deepEqual([air.series[0]!.from, air.series[0]!.next(1)[0]], ["2010-01-01 00:00", "2010-01-02 06:00"]);

  const bikes = await read(csv(
    ["dteday", "hr", "weekday", "cnt"],
    ...range(60).map((i) => [day(Math.floor(i / 24)), i % 24, Math.floor(i / 24), i % 7]),
  ));
  assert.deepEqual([stepOf(bikes), Object.keys(valuesOf(bikes))], ["1 hour", ["cnt"]]);
  assert.match(notesOf(bikes), /columns that describe the date are not forecast: weekday/);

  const labor = await read(csv(
    ["series_id", "year", "period", "value"],
    ...["LNU1", "LNU2"].flatMap((id, s) =>
      range(13).map((i) => [id, 2023, `M${String(i + 1).padStart(2, "0")}`, i + s])
    ),
  ));
  assert.deepEqual(Object.keys(valuesOf(labor)), ["LNU1", "LNU2"]);
  assert.equal(labor.series[0]!.values.length, 12);
  assert.match(notesOf(labor), /2 rows left out whose year, period make no date/);

  const weeks = await read(csv(["year", "week", "flu"], [2020, 52, 1], [2020, 53, 2], [2021, 1, 3], [2021, 2, 4]));
  assert.deepEqual([stepOf(weeks), weeks.series[0]!.next(1)], ["1 week", ["2021-W03"]]);
});

Deno.test("stacked series: ids of numbers, of several columns, beside columns that are no ids", async () => {
  const items = await read(csv(
    ["date", "store", "item", "sales"],
    ...range(2).flatMap((store) => range(3).flatMap((item) => range(4).map((i) => [day(i), store + 1, item + 1, i]))),
  ));
  assert.deepEqual(Object.keys(valuesOf(items)), ["1/1", "1/2", "1/3", "2/1", "2/2", "2/3"]);
  const drugs = await read(
    csv(
      ["Store", "DayOfWeek", "Date", "Sales", "Customers", "Open"],
      ...range(3).flatMap((store) => range(9).map((i) => [store + 1, i % 7 + 1, day(i), 10 * i, i, 1])),
    ),
    { column: "Sales" },
  );
  assert.deepEqual(Object.keys(valuesOf(drugs)), ["1", "2", "3"]);
  const nixtla = await read(csv(
    ["unique_id", "ds", "y", "price"],
    ...["a", "b"].flatMap((id) => range(4).map((i) => [id, day(i), i, 9.5])),
  ));
  assert.deepEqual(valuesOf(nixtla), { a: [0, 1, 2, 3], b: [0, 1, 2, 3] });
  assert.match(notesOf(nixtla), /column y is forecast, by its title/);
  // A region that goes with the store adds nothing.
  const stores = await read(csv(
    ["week", "region", "store", "units"],
    ...["n1", "n2", "s1"].flatMap((store) => range(4).map((i) => [day(7 * i), store[0]!, store, i])),
  ));
  assert.deepEqual(Object.keys(valuesOf(stores)), ["n1", "n2", "s1"]);
  const named = await read(
    csv(
      ["date", "a", "b", "y"],
      ...["p", "q"].flatMap((a) => ["r", "s"].flatMap((b) => range(3).map((i) => [day(i), a, b, i]))),
    ),
    { seriesColumn: "b,a" },
  );
  assert.deepEqual(Object.keys(valuesOf(named)), ["r/p", "s/p", "r/q", "s/q"]);
  await assert.rejects(
    read(csv(["date", "a", "y"], [day(0), "p", 1]), { seriesColumn: "a,c" }),
    /column "c" is missing; --series-column must be one or several of "date", "a", "y"/,
  );
});

Deno.test("hours of the change from summer time are there twice, and missing in spring", async () => {
  const hours = range(8).map((i) => `2014-11-02 0${i}:00:00`);
  const rows = hours.flatMap((hour, i) => i === 2 ? [[hour, 10], [hour, 20]] : [[hour, i]]);
  const set = await read(csv(["Datetime", "MW"], ...rows.toReversed()));
  assert.deepEqual(valuesOf(set), { MW: [0, 1, 15, 3, 4, 5, 6, 7] });
  assert.match(notesOf(set), /1 time of the change from summer time, there twice, read as the mean of both/);
  // On another day it is a mistake.
  await assert.rejects(
    read(csv(["Datetime", "MW"], ...rows).replaceAll("2014-11-02", "2014-11-05")),
    /line 5: 2014-11-05 02:00 must be there once, got it with 20 and in line 4 with 10; .*--aggregate sum --every day/,
  );
});

Deno.test("what is missing is on a line, 0 or the value before", async () => {
  const sold: Record<string, readonly (readonly [at: number, sold: number])[]> = {
    a: [[0, 2], [3, 5], [4, 6], [5, 6], [6, 7], [7, 8]],
    b: [[1, 0], [2, 4], [5, 1], [6, 2]],
  };
  const rows = Object.entries(sold).flatMap(([id, days]) => days.map(([at, count]) => [day(at), id, count]));
  const text = csv(["date", "id", "sold"], ...rows);
  const line = await read(text);
  assert.deepEqual(valuesOf(line), { a: [2, 3, 4, 5, 6, 6, 7, 8], b: [0, 4, 3, 2, 1, 2] });
  assert.match(notesOf(line), /29 % of the steps have no value in the file; add --fill zero if that means 0/);
  const previous = await read(text, { fill: "previous" });
  assert.deepEqual(valuesOf(previous), { a: [2, 2, 2, 5, 6, 6, 7, 8], b: [0, 4, 4, 4, 1, 2] });
  const zero = await read(text, { fill: "zero" });
  assert.deepEqual(valuesOf(zero), { a: [2, 0, 0, 5, 6, 6, 7, 8], b: [0, 4, 0, 0, 1, 2, 0] });
  assert.match(notesOf(zero), /5 missing dates filled with 0/);
  const lost = csv(["date", "x"], ...range(30).map((i) => [day(i), i]), ["2102-01-01", 3]);
  await assert.rejects(
    read(lost),
    /the series "x" must not have a gap longer than itself, got no value for [\d,]+ steps between 2024-01-30 and 2102-01-01/,
  );
});

Deno.test("orders become days, weeks or months; a step that is only begun is left out", async () => {
  // Three orders a day for 31 days from a Monday, and one day of the next month.
  const orders = range(32).flatMap((i) =>
    range(3).map((j) => [`${day(i)} 1${j}:30:00`, i < 28 ? "shop" : "web", j + 1])
  );
  const text = csv(["time", "channel", "amount"], ...orders);
  const set = await read(text, { step: { unit: "week", every: 1 }, aggregate: "sum", seriesColumn: "none" });
  assert.deepEqual(valuesOf(set), { amount: [42, 42, 42, 42] });
  assert.deepEqual([stepOf(set), set.series[0]!.next(1)], ["1 week", ["2024-01-29"]]);
  assert.match(notesOf(set), /the week of 2024-01-29 is left out, since the file ends on 2024-02-01 12:30/);
  const means = await read(text, { step: { unit: "month", every: 1 }, aggregate: "mean", seriesColumn: "none" });
  assert.deepEqual([valuesOf(means), means.series[0]!.next(1)], [{ amount: [2] }, ["2024-02"]]);
  const counts = await read(text, { step: { unit: "day", every: 1 }, aggregate: "count", seriesColumn: "channel" });
  assert.deepEqual(counts.series.map(({ values }) => values.length), [32, 4]);
  assert.equal(counts.series[0]!.values.at(-1), 0);
  await assert.rejects(
    read(csv(["x"], [1], [2]), { step: { unit: "day", every: 1 } }),
    /--every needs dates, got none; leave it out, or name the column of the dates by --date-column/,
  );
});

Deno.test("series that never change, end early or have no value are named", async () => {
  const set = await read(csv(
    ["month", "still", "gone", "void", "x"],
    ["2020-01", 5, 1, "", 1],
    ["2020-02", 5, 2, "", 3],
    ["2020-03", 5, "", "", 2],
  ));
  assert.match(notesOf(set), /a series never changes, so the forecast is its only value: still/);
  assert.match(notesOf(set), /a series ends before the others, and its forecast begins there: gone/);
  assert.deepEqual(Object.keys(valuesOf(set)), ["still", "gone", "x"]);
});

Deno.test("a season within opening hours, of a six-day week, and of a day in quarters of an hour", () => {
  const random = new Random(4);
  const noise = () => random.normal(0, 0.3);
  assert.deepEqual(seasonsOf({ unit: "business day", every: 1, perWeek: 6 }), [6]);
  assert.deepEqual(seasonsOf({ unit: "hour", every: 1, perDay: 10 }), [10, 70, 50]);
  const load = Float64Array.from({ length: 96 * 21 }, (_, t) => Math.sin(2 * Math.PI * t / 96) + 0.1 * noise());
  assert.equal(findSeason([load], { unit: "minute", every: 15 }), 96);
  const weekly = Float64Array.from({ length: 200 }, (_, t) => [1, 2, 3, 4, 6, 9][t % 6]! + noise());
  assert.equal(findSeason([weekly], { unit: "business day", every: 1, perWeek: 6 }), 6);
});

Deno.test("hours of a shop that is closed at night have the season of its opening hours", async () => {
  const rows = range(20).flatMap((d) => range(10).map((h) => [`${day(d)} ${String(9 + h).padStart(2, "0")}:00:00`, h]));
  const set = await read(csv(["time", "visits"], ...rows));
  assert.deepEqual(set.frequency, { unit: "hour", every: 1, perDay: 10 });
  assert.equal(set.series[0]!.values.length, 200);
  assert.deepEqual(set.series[0]!.next(2), ["2024-01-21 09:00", "2024-01-21 10:00"]);
  assert.equal(findSeason(set.series.map(({ values }) => values), set.frequency), 10);
});
