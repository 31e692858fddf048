import assert from "node:assert/strict";
import { parsePrices, type PriceOptions } from "./prices.ts";

/** Files as each source writes them, and the prices in them. */
const sources: [name: string, text: string, options: PriceOptions, close: number[]][] = [
  [
    "Yahoo",
    "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,2,1,10,9.5,100\n2020-01-03,1,2,1,11,10.5,100\n",
    {},
    [10, 11],
  ],
  ["Yahoo, adjusted", "Date,Close,Adj Close\n2020-01-02,10,9.5\n2020-01-03,11,10.5\n", {
    columns: { close: "Adj Close" },
  }, [9.5, 10.5]],
  ["Stooq", "Date,Open,High,Low,Close,Volume\r\n2020-01-02,1,2,1,10.25,5\r\n2020-01-03,1,2,1,11.5,5\r\n", {}, [
    10.25,
    11.5,
  ]],
  [
    "Nasdaq, the newest first",
    'Date,Close/Last,Volume,Open\n01/03/2020,"$1,211.50",5,$11\n01/02/2020,$10.25,5,$10\n',
    { sort: true },
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

Deno.test("cells of unknown form are refused with file, line and column", () => {
  const refused: [text: string, options: PriceOptions, problem: string][] = [
    [
      "date,close\n13/01/2020,1",
      {},
      'line 2, column date: it must be a day as YYYY-MM-DD or MM/DD/YYYY, got "13/01/2020"',
    ],
    [
      "date,close\n02/30/2020,1",
      {},
      'line 2, column date: it must be a day as YYYY-MM-DD or MM/DD/YYYY, got "02/30/2020"',
    ],
    [
      "date,close\n2020-01-02x,1",
      {},
      'line 2, column date: it must be a day as YYYY-MM-DD or MM/DD/YYYY, got "2020-01-02x"',
    ],
    [
      "date;close\n2020-01-02;1,2,3",
      {},
      'line 2, column close: it must be a number from 1e-9 to 1000000000000000, got "1,2,3"',
    ],
    [
      'date,close\n2020-01-02,"12,34"',
      {},
      'line 2, column close: it must be a number from 1e-9 to 1000000000000000, got "12,34"',
    ],
    [
      "date,close\n2020-01-02,-5",
      {},
      'line 2, column close: it must be a number from 1e-9 to 1000000000000000, got "-5"',
    ],
    [
      "date,close\n2020-01-02,NaN",
      {},
      'line 2, column close: it must be a number from 1e-9 to 1000000000000000, got "NaN"',
    ],
    ["date,close\n", {}, "it must have at least one row of prices, got a header alone"],
    ["", {}, "it must have a header with the columns date and close, got an empty file"],
    ["date,close,Close\n", {}, "line 1: column close must be there once, got it 2 times"],
    ["date,price\n", { columns: { close: "Last" } }, 'line 1: column Last is missing; it has "date", "price"'],
    [
      "date,close\n2020-01-03,1\n2020-01-02,1",
      {},
      "line 3, column date: dates must be in order of time, got 2020-01-02 after 2020-01-03; --sort puts them in order",
    ],
    [
      "date,close\n2020-01-03,1\n2020-01-02,1\n2020-01-03,2",
      { sort: true },
      "line 4, column date: dates must differ, got 2020-01-03 twice",
    ],
  ];
  for (const [text, options, problem] of refused) {
    assert.throws(() => parsePrices(text, "file", options), {
      name: "CsvError",
      message: `Cannot read file: ${problem}`,
    });
  }
});

Deno.test("rows without prices are skipped and counted; points group thousands if commas are decimal marks", () => {
  const { close, dates, warnings } = parsePrices("Date,Close\n2020-01-02,1\n2020-01-03,null\n2020-01-06,3\n", "file");
  assert.deepEqual([[...close], dates], [[1, 3], ["2020-01-02", "2020-01-06"]]);
  assert.deepEqual(warnings, [
    "file: rows without prices are left out, 1 of them, the first in line 3",
    ...warnings.slice(1),
  ]);
  const prices = (text: string) => [...parsePrices(text, "file").close];
  assert.deepEqual(prices("date;close\n2020-01-02;1.234,5\n2020-01-03;1.235\n2020-01-06;999,5\n"), [
    1234.5,
    1235,
    999.5,
  ]);
  assert.deepEqual(prices("date;close\n2020-01-02;1.234\n2020-01-03;1.235\n"), [1.234, 1.235]);
  assert.deepEqual(prices("date;close\n2020-01-02;$12,880\n"), [12880]);
  assert.deepEqual(prices("date;close\n2020-01-02;12,880.5\n2020-01-03;12,881\n"), [12880.5, 12881]);
  assert.throws(() => prices("date;close\n2020-01-02;12,880\n"), {
    message:
      "Cannot read file: 12,880 may be thousands or decimals: numbers must have a decimal point, or thousands a $",
  });
  assert.deepEqual(prices("Date,Close/Last,Close\n2020-01-02,7,8\n"), [8]);
});

Deno.test("a 3:2 split gives a warning too", () => {
  const [warning] = parsePrices("date,close\n2020-01-02,100\n2020-01-03,66.6\n", "file").warnings;
  assert.match(warning!, /from 100 to 66.6, as a split of 3:2 would make it/);
});

Deno.test("splits and long gaps each give a warning", () => {
  const text =
    "date,close\n2020-01-02,100\n2020-01-03,49.5\n2020-01-06,50\n2020-02-03,151\n2020-03-02,150\n2020-03-03,80\n";
  assert.deepEqual(parsePrices(text, "file").warnings, [
    "file: on 2020-01-03 the price goes from 100 to 49.5, as a split of 2:1 would make it; adjusted prices have no such jumps " +
    '(--columns close="Adj Close")',
    "file: on 2020-02-03 the price goes from 50 to 151, as a split of 1:3 would make it; adjusted prices have no such jumps " +
    '(--columns close="Adj Close")',
    "file: there are 2 gaps of more than 10 days, the longest from 2020-01-06 to 2020-02-03; returns across one count as those of a day",
  ]);
});

Deno.test("a CSV may have quotes, a byte order mark, CRLF line ends, blank lines and columns in any order", () => {
  const text = '\uFEFFClose ,Note,DATE\r\n1.5,"a, ""b""\nc",2020-01-01\r\n\r\n2,,2020-01-02\r\n';
  const { dates, close } = parsePrices(text, "file");
  assert.deepEqual([dates, [...close]], [["2020-01-01", "2020-01-02"], [1.5, 2]]);
  assert.throws(() => parsePrices(`${text}x,,2020-01-03`, "file"), /line 6, column Close: /);
});
