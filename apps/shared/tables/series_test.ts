import assert from "node:assert/strict";
import { parseTable } from "./parse_table.ts";
import { readSeries, type SeriesOptions } from "./series.ts";

function read(text: string, options: SeriesOptions = {}) {
  const series = readSeries(parseTable(text, "f"), { positive: true, ...options });
  const { labels, values, notes, title } = series;
  return { dates: labels, values: [...values], notes: notes.map(({ text }) => text), title, series };
}

const day = (i: number) => new Date(Date.UTC(2023, 9, 2 + i + 2 * Math.floor(i / 5))).toISOString().slice(0, 10);
/** Rows of business days from 2023-10-02, a Monday. */
const rows = (count: number, of: (i: number, date: string) => string) =>
  Array.from({ length: count }, (_, i) => of(i, day(i))).join("\n");
const price = (i: number) => 100 + (i * 7 % 13);
const refused = (text: string, message: RegExp | string, options?: SeriesOptions) =>
  assert.throws(() => read(text, options), { name: "TableError", message });

Deno.test("the close is found among other columns, the adjusted one before it and said", () => {
  const all = "Date,Open,High,Low,Close,Adj Close,Volume";
  const text = `${all}\n${rows(20, (i, date) => `${date},1,3,0.5,${price(i)},${price(i) / 2},9`)}`;
  const adjusted = read(text);
  assert.deepEqual([adjusted.title, adjusted.values[1]], ["Adj Close", price(1) / 2]);
  assert.deepEqual(adjusted.notes, [
    "column Adj Close is read, which splits and dividends do not move; --column Close reads the other",
  ]);
  assert.equal(read(text, { column: "close" }).values[1], price(1));
  assert.equal(read(text, { column: "5" }).values[1], price(1));
  const { series } = read(text, { need: ["open", "volume"] });
  assert.deepEqual([series.extra.open![1], series.extra.volume![1]], [0.5, 9]);
  const titles = ["Close/Last", "<CLOSE>", "close_price", "PRICE (USD)", "4. close", "Settle", "Schlusskurs", "收盘"];
  for (const title of titles) {
    const { values } = read(`Date,Other,"${title}"\n${rows(20, (i, date) => `${date},1.5,${price(i)}`)}`);
    assert.equal(values[1], price(1), title);
  }
  const unnamed = read(`Date,Sales\n${rows(20, (i, date) => `${date},${price(i)}`)}`);
  assert.deepEqual(unnamed.notes, ["column Sales is read, the only one of numbers"]);
});

Deno.test("several columns that may be meant are listed with the option", () => {
  const text = `Date,AAPL,MSFT\n${rows(20, (i, date) => `${date},${price(i)},${2 * price(i)}`)}`;
  refused(
    text,
    'Cannot read f: several columns may be the one to forecast: "AAPL", "MSFT"; pick one, such as --column AAPL',
  );
  assert.equal(read(text, { column: "AAPL" }).values[1], price(1));
  assert.equal(read(text, { series: "msft" }).values[1], 2 * price(1));
  refused(text, /there is no instrument "IBM"; --series must be one of "AAPL", "MSFT"/, { series: "IBM" });
  refused(text, /column "IBM" is missing; --column must be one of "Date", "AAPL", "MSFT"/, { column: "IBM" });
  refused("Date,Name\n2023-10-02,a\n2023-10-03,b\n", /it must have a column of numbers beside the dates/);
});

Deno.test("several instruments are never one series: in rows, in blocks, in columns, in header rows", () => {
  const names = ["AAA", "BBB"];
  const line = (i: number, date: string, name: string) => `${date},${price(i) * (name === "AAA" ? 1 : 3)},${name}`;
  const mixed = rows(20, (i, date) => names.map((name) => line(i, date, name)).join("\n"));
  const blocks = names.map((name) => rows(20, (i, date) => line(i, date, name))).join("\n");
  const apart = `${rows(20, (i, date) => line(i, date, "AAA"))}\n${rows(20, (i) => line(i, day(i + 20), "BBB"))}`;
  for (
    const [title, body] of [["Name", mixed], ["symbol", blocks], ["Ticker", apart], ["which", mixed], ["which", blocks]]
  ) {
    const text = `date,close,${title}\n${body}`;
    refused(
      text,
      new RegExp(`^Cannot read f: it has 2 instruments in column ${title}: "AAA", "BBB"; pick one by --series AAA`),
    );
    const { values, notes } = read(text, { series: "bbb" });
    assert.deepEqual([values.length, values[0]], [20, 3 * price(0)]);
    assert.ok(notes.includes('the series is "BBB"'));
    refused(text, /there is no instrument "CCC" in column .*; --series must be one of "AAA", "BBB"/, { series: "CCC" });
  }
  const wide = "Ticker,A,A,B,B\nPrice,Open,Close,Open,Close\nDate,,,,\n" +
    `${rows(20, (i, date) => `${date},1,${price(i)},2,${2 * price(i)}`)}`;
  refused(wide, 'Cannot read f: it has 2 instruments: "A", "B"; pick one by --series A');
  assert.equal(read(wide, { series: "B" }).values[1], 2 * price(1));
  const dotted = "Date,A.Open,A.Close,B.Open,B.Close\n" +
    `${rows(20, (i, date) => `${date},1,${price(i)},2,${2 * price(i)}`)}`;
  refused(dotted, /it has 2 instruments: "A", "B"/);
  assert.equal(read(dotted, { series: "B" }).values[1], 2 * price(1));
  const quantmod = `,X.Open,X.Close,X.Adjusted\n${rows(20, (i, date) => `${date},1,${price(i)},${price(i) / 2}`)}`;
  assert.equal(read(quantmod).values[1], price(1) / 2);
});

Deno.test("a contract that rolls can be read as one series on demand", () => {
  const text = `Date,Close,Contract\n${rows(40, (i, date) => `${date},${price(i)},CL${Math.floor(i / 10)}`)}`;
  refused(text, /it has 4 instruments in column Contract/);
  assert.equal(read(text, { seriesColumn: "none" }).values.length, 40);
});

Deno.test("a file without a header: two columns, bars by their order, or a question", () => {
  const plain = read(rows(20, (i, date) => `${date},${price(i)}`));
  assert.deepEqual([plain.values[1], plain.dates[1]], [price(1), day(1)]);
  const bars = read(rows(20, (i, date) => `${date},${price(i)},${price(i) + 2},${price(i) - 2},${price(i) + 1},7`));
  assert.equal(bars.values[1], price(1) + 1);
  assert.match(bars.notes[0]!, /without a header, columns 2, 3, 4, 5 are taken for open, high, low and close/);
  const epochs = rows(20, (i, date) => `${Date.parse(date) / 1000},1,1,1,${price(i)},1,1`);
  refused(
    epochs,
    /it has no header, and several columns may be the one to forecast; its first row is .*; name the columns by position, such as --date-column 1 --column 5$/,
  );
  assert.deepEqual(read(epochs, { column: "5" }).dates[1], day(1));
  const values = read(Array.from({ length: 20 }, (_, i) => price(i)).join("\n"));
  assert.deepEqual([values.dates.slice(0, 2), values.series.frequency.unit], [["1", "2"], "step"]);
});

Deno.test("rows without a value are left out with a count, and may have no date", () => {
  for (const mark of ["", ".", "NA", "nan", "null", "-", "N/A", "#N/A"]) {
    const text = `Date,Close\n${rows(20, (i, date) => `${date},${i === 7 ? mark : price(i)}`)}\n`;
    const { values, notes } = read(text);
    assert.deepEqual([values.length, notes], [19, [
      "1 row without a value in column Close left out, the first is line 9",
    ]], mark);
  }
  assert.equal(read(`Date,Close\n${rows(20, (i, date) => `${date},${price(i)}`)}\nTotal,\n`).values.length, 20);
  refused("Date,Close\n2023-10-02,\n2023-10-03,\n", /column|numbers/);
});

Deno.test("newest-first files are turned round, jumbled ones sorted, both aloud", () => {
  const lines = rows(20, (i, date) => `${date},${price(i)}`).split("\n");
  const reversed = read(`Date,Close\n${lines.toReversed().join("\n")}`);
  assert.deepEqual([reversed.dates[1], reversed.notes], [day(1), ["the rows come newest first and are turned round"]]);
  const jumbled = read(`Date,Close\n${[...lines.slice(10), ...lines.slice(0, 10)].join("\n")}`);
  assert.deepEqual([jumbled.values[1], jumbled.notes], [price(1), ["the rows are in no order of time and are sorted"]]);
});

Deno.test("identical repeated rows are dropped, contradicting ones refused with both lines", () => {
  const lines = rows(20, (i, date) => `${date},${price(i)}`).split("\n");
  for (const some of [[...lines, lines[19]!], [...lines, lines[4]!], [...lines.toReversed(), lines[0]!]]) {
    const { values, notes } = read(`Date,Close\n${some.join("\n")}`);
    assert.equal(values.length, 20);
    assert.ok(
      notes.some((note) => /^1 row that repeats another dropped, the first is line \d+$/.test(note)),
      `${notes}`,
    );
  }
  refused(
    `Date,Close\n${[...lines, `${day(19)},1`].join("\n")}`,
    `Cannot read f: line 22: ${day(19)} must be there once, got it with 1 and in line 21 with ${price(19)}; ` +
      "remove the wrong row, or name the column that tells series apart by --series-column",
  );
});

Deno.test("gaps are named, and --fill makes the grid regular", () => {
  const month = (i: number) => new Date(Date.UTC(2015, i, 1)).toISOString().slice(0, 10);
  const kept = Array.from({ length: 24 }, (_, i) => i).filter((i) => i !== 7 && i !== 8);
  const text = `Date,Close\n${kept.map((i) => `${month(i)},${100 + i * i}`).join("\n")}`;
  assert.match(
    read(text).notes[0]!,
    /^f: 2 months missing, the first is 2015-08-01; .*--fill previous or linear fills them$/,
  );
  const previous = read(text, { fill: "previous" });
  assert.deepEqual([previous.values.length, previous.values.slice(6, 10)], [24, [136, 136, 136, 181]]);
  assert.match(previous.notes[0]!, /^2 missing dates filled with the value before, the first is 2015-08-01$/);
  const linear = read(text, { fill: "linear" }).values;
  assert.ok(Math.abs(linear[7]! - (136 + 31 / 92 * 45)) < 1e-9);
  const days = read(
    `Date,Close\n${rows(20, (i, date) => `${date},${price(i)}`).split("\n").toSpliced(7, 1).join("\n")}`,
    { fill: "previous" },
  );
  assert.deepEqual([days.values.length, days.values[7]], [20, price(6)]);
  const long = "Date,Close\n" +
    `${rows(60, (i, date) => i > 9 && i < 25 ? "" : `${date},${price(i)}`).replaceAll(/\n\n+/g, "\n")}`;
  assert.match(
    read(long).notes[0]!,
    /^f: there is a gap of more than 10 days, the longest from 2023-10-13 to 2023-11-06;/,
  );
});

Deno.test("splits, changes of unit and long stretches are named with their day", () => {
  const wavy = (i: number) => 100 * (1 + 0.01 * Math.sin(i));
  const of = (value: (i: number) => number) =>
    read(`Date,Close\n${rows(80, (i, date) => `${date},${value(i).toFixed(4)}`)}`).notes;
  assert.deepEqual(of(wavy), []);
  // A move of -4 % on the day of the split hides it from a narrow look.
  assert.match(
    of((i) => i < 45 ? wavy(i) : wavy(i) / 4 * 0.96)[0]!,
    /on 2023-12-04 the price goes from .*, as a split of 4:1 would make it/,
  );
  assert.match(of((i) => i < 45 ? wavy(i) : wavy(i) * 10)[0]!, /a split of 1:10/);
  assert.match(of((i) => i < 45 ? wavy(i) : wavy(i) / 1.5)[0]!, /a split of 3:2/);
  assert.match(
    of((i) => i < 45 ? wavy(i) : wavy(i) * 100)[0]!,
    /on 2023-12-04 .*, as a change of unit by 100 would make it; bring all rows to one unit/,
  );
  assert.match(of((i) => i < 45 ? wavy(i) : wavy(i) / 1000)[0]!, /a change of unit by 1,000/);
  assert.match(of((i) => i < 30 || i > 50 ? wavy(i) : 101)[0]!, /the value stays 101 for 21 rows from 2023-11-13/);
  assert.match(of((i) => i < 45 ? wavy(i) : wavy(i) * 0.6)[0] ?? "", /^(?!.*split)/);
});

Deno.test("a price that is not above 0 is an error with its line and the target that takes it", () => {
  const text = `Date,Close\n${rows(20, (i, date) => `${date},${i === 9 ? "(37.63)" : price(i)}`)}`;
  refused(
    text,
    /^Cannot read f: line 11, column Close: a price must be above 0 for returns, .*, got -37.63; --target change/,
  );
  assert.equal(read(text, { positive: false }).values[9], -37.63);
});

Deno.test("an unread column decides nothing and need not be readable", () => {
  const text = `date;close;tags;volume\n${rows(20, (i, date) => `${date};${price(i)}.125;"[${i},0]";1,23,400`)}`;
  assert.equal(read(text).values[1], price(1) + 0.125);
});

Deno.test("all columns are of the same rows: open, high and low follow the adjusted close", () => {
  const text = `Date,Open,High,Low,Close,Adj Close,Volume\n${rows(20, (i, date) => `${date},10,12,8,10,5,${i}`)}`;
  const { series, notes } = read(text, { need: ["open", "high", "low", "volume"] });
  assert.deepEqual([series.extra.open![3], series.extra.high![3], series.extra.low![3], series.extra.volume![3]], [
    5,
    6,
    4,
    3,
  ]);
  assert.ok(notes.includes("open, high and low are brought to the level of the adjusted close"));
  refused(
    `Date,Close\n${rows(20, (i, date) => `${date},${price(i)}`)}`,
    /column volume is missing; it has "Date", "Close"; --columns volume=TITLE names it/,
    { need: ["volume"] },
  );
});
