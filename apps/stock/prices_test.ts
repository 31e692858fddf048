import assert from "node:assert/strict";
import { parsePrices, type PriceOptions } from "./prices.ts";
import { datesAfter } from "./rhythm.ts";

/** Files as each source writes them, and the prices in them. */
const sources: [name: string, text: string, options: PriceOptions, close: number[]][] = [
  [
    "Yahoo",
    "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,2,1,10,9.5,100\n2020-01-03,1,2,1,11,10.5,100\n",
    {},
    [9.5, 10.5],
  ],
  ["Yahoo, unadjusted", "Date,Close,Adj Close\n2020-01-02,10,9.5\n2020-01-03,11,10.5\n", {
    columns: { close: "Close" },
  }, [10, 11]],
  ["Stooq", "Date,Open,High,Low,Close,Volume\r\n2020-01-02,1,2,1,10.25,5\r\n2020-01-03,1,2,1,11.5,5\r\n", {}, [
    10.25,
    11.5,
  ]],
  [
    "Nasdaq, the newest first",
    'Date,Close/Last,Volume,Open\n01/03/2020,"$1,211.50",5,$11\n01/02/2020,$10.25,5,$10\n',
    { dateFormat: "MDY" },
    [10.25, 1211.5],
  ],
  ["semicolons and decimal commas", "\uFEFFdate;close\n2020-01-02;10,25\n2020-01-03;1.211,5\n\n\n", {}, [
    10.25,
    1211.5,
  ]],
  ["tabs", "date\tclose\n2020-01-02\t10\n2020-01-03\t11", {}, [10, 11]],
  ["times, quotes and other titles", '"Day","Last"\n"2020-01-02 00:00:00","10"\n"2020-01-03T16:00:00Z","11"', {
    columns: { date: "day", close: "LAST" },
  }, [10, 11]],
  ["old Macintosh", "date,close\r2020-01-02,10\r2020-01-03,11\r", {}, [10, 11]],
];

for (const [name, text, options, close] of sources) {
  Deno.test(`prices from ${name}`, () => {
    const prices = parsePrices(text, "file", options);
    assert.deepEqual([prices.dates, [...prices.close]], [["2020-01-02", "2020-01-03"], close]);
  });
}

Deno.test("what cannot be read is refused with file, line and column", () => {
  const refused: [text: string, options: PriceOptions, problem: RegExp][] = [
    [
      "date,close\n2020-01-02x,1",
      {},
      /^line 2, column date: it must be a date such as .*, got "2020-01-02x"; --date-format/,
    ],
    [
      "date,close\n2020-01-02,1\n02/30/2020,1",
      {},
      /^line 3, column date: it must be a date as the rows before have it/,
    ],
    ["date;close\n2020-01-02;1\n2020-01-03;1,2,3", {}, /^line 3, column close: it must be a number, got "1,2,3"$/],
    [
      "date,close\n2020-01-02,5\n2020-01-03,-5",
      {},
      /^line 3, column close: a price must be above 0 for returns, .*--target change/,
    ],
    ["date,close\n2020-01-02,NaN", {}, /^column close must have numbers|^it must have a column of numbers/],
    ["date,close\n", {}, /^it must have at least one row of data, got a header alone$/],
    ["", {}, /^it must have a header and rows, got an empty file$/],
    [
      "date,price\n2020-01-02,1",
      { columns: { close: "Last" } },
      /^column "Last" is missing; --column must be one of "date", "price"$/,
    ],
    [
      "date,close\n2020-01-03,1\n2020-01-02,1\n2020-01-03,2",
      {},
      /^line 4: 2020-01-03 must be there once, got it with 2 and in line 2 with 1; /,
    ],
  ];
  for (const [text, options, problem] of refused) {
    assert.throws(() => parsePrices(text, "file", options), (error: Error) => {
      assert.equal(error.name, "TableError");
      assert.match(error.message.replace(/^Cannot read file: /, ""), problem, text);
      return true;
    });
  }
});

Deno.test("the rhythm of a file comes with its prices, and files without dates count steps", () => {
  const monthly = Array.from(
    { length: 30 },
    (_, i) => `${new Date(Date.UTC(2015, i, 1)).toISOString().slice(0, 10)},${5 + i % 3}`,
  );
  const prices = parsePrices(`month,value\n${monthly.join("\n")}`, "file");
  assert.deepEqual(prices.rhythm, { unit: "month", every: 1, perYear: 12 });
  assert.deepEqual(datesAfter(prices.dates, prices.rhythm, 2), ["2017-07-01", "2017-08-01"]);
  const steps = parsePrices(`value\n${[5, 6, 7, 6, 5].join("\n")}`, "file");
  assert.deepEqual(steps.rhythm, { unit: "step", every: 1 });
  assert.deepEqual([steps.dates[0], ...datesAfter(steps.dates, steps.rhythm, 2)], ["step 1", "step 6", "step 7"]);
  assert.equal(parsePrices(`value\n${[5, 6, 7].join("\n")}`, "file", { perYear: 250 }).rhythm.perYear, 250);
});
