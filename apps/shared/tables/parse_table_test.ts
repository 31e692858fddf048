import assert from "node:assert/strict";
import { findColumn, parseTable } from "./parse_table.ts";
import type { TableOptions } from "./table.ts";

/** Titles, rows and notes of a text. */
function read(text: string, options?: TableOptions) {
  const table = parseTable(text, "f", options);
  return {
    titles: table.columns.map(({ title }) => title),
    rows: Array.from({ length: table.rowCount }, (_, row) => table.columns.map(({ cells }) => cells[row])),
    notes: table.notes.map(({ text }) => text),
    table,
  };
}

const ROWS = [["2023-10-02", "100.5"], ["2023-10-03", "101.25"], ["2023-10-04", "99"]];
const plain = (delimiter: string, rows = ROWS) => rows.map((row) => row.join(delimiter)).join("\n");

for (
  const [name, text] of [
    ["commas", `Date,Close\n${plain(",")}\n`],
    ["semicolons", `Date;Close\n${plain(";")}\n`],
    ["tabs", `Date\tClose\n${plain("\t")}\n`],
    ["vertical bars", `Date|Close\n${plain("|")}\n`],
    ["runs of spaces", `Date        Close\n${plain("    ")}\n`],
    ["a declared delimiter", `sep=;\nDate;Close\n${plain(";")}\n`],
    ["Windows line ends", `Date,Close\r\n${ROWS.map((row) => row.join(",")).join("\r\n")}\r\n`],
    ["old Macintosh line ends", `Date,Close\r${ROWS.map((row) => row.join(",")).join("\r")}\r`],
    ["mixed line ends", `Date,Close\r\n${plain(",")}\r\n`],
    ["quotes", `"Date","Close"\n${ROWS.map((row) => `"${row.join('","')}"`).join("\n")}`],
    ["a byte-order mark", `\uFEFFDate,Close\n${plain(",")}`],
    ["blank lines", `\n\nDate,Close\n\n${plain(",")}\n\n\n`],
    ["rows of empty cells at the end", `Date,Close\n${plain(",")}\n,\n,\n`],
    ["comments before", `# downloaded\n// today, "quoted\nDate,Close\n${plain(",")}`],
    ["a trailing delimiter on each row", `Date,Close\n${ROWS.map((row) => `${row.join(",")},`).join("\n")}\n`],
    ["a trailing delimiter everywhere", `Date,Close,\n${ROWS.map((row) => `${row.join(",")},`).join("\n")}\n`],
    ["titles in angle brackets", `<Date>;<Close>\n${plain(";")}`],
    ["a header that is a comment", `# Date,Close\n${plain(",")}`],
  ] as const
) {
  Deno.test(`${name}: the same table`, () => {
    const { titles, rows, table } = read(text);
    assert.deepEqual([titles, rows, table.hasHeader], [["Date", "Close"], ROWS, true]);
  });
}

Deno.test("a preamble before the header is skipped and said", () => {
  const { titles, rows, notes } = read(`https://example.org/data\nPrices of "X", in USD\nDate,Close\n${plain(",")}\n`);
  assert.deepEqual([titles, rows], [["Date", "Close"], ROWS]);
  assert.deepEqual(notes, [
    'line 1 before the header is skipped: "https://example.org/data"',
    'a line before the header is skipped: "Prices of \\"X\\" in USD"',
  ]);
});

Deno.test("lines of comment between rows are skipped and counted", () => {
  const { rows, notes } = read(`Date,Close\n2023-10-02,100.5\n# half time\n${plain(",", ROWS.slice(1))}\n`);
  assert.deepEqual([rows, notes], [ROWS, ["1 line of comment skipped, the first is line 3"]]);
});

Deno.test("a file without a header has columns by position, and --header says otherwise", () => {
  const { titles, rows, table } = read(plain(","));
  assert.deepEqual([titles, rows, table.hasHeader], [["column 1", "column 2"], ROWS, false]);
  assert.equal(read(plain(","), { header: true }).rows.length, 2);
  assert.equal(read(`Date,Close\n${plain(",")}`, { header: false }).rows.length, 4);
});

Deno.test("an index without a title is a column, as pandas and R write it", () => {
  const indexed = ROWS.map((row, i) => [`${i + 1}`, ...row]);
  for (const text of [`,Date,Close\n${plain(",", indexed)}`, `Date,Close\n${plain(",", indexed)}`]) {
    const { titles, rows } = read(text);
    assert.deepEqual([titles, rows], [["", "Date", "Close"], indexed]);
  }
  assert.deepEqual(read("Open,Close\n2023-10-02,1,2\n2023-10-03,2,3\n").titles, ["", "Open", "Close"]);
});

Deno.test("several header rows: Yahoo's download library, one ticker and two, and spreadsheets' merged cells", () => {
  const one = read("Price,Close,Open\nTicker,XYZ,XYZ\nDate,,\n2023-10-02,1,2\n2023-10-03,2,3\n");
  assert.deepEqual(one.titles, ["Date", "Close", "Open"]);
  assert.deepEqual(one.table.columns.map(({ group }) => group), [undefined, "XYZ", "XYZ"]);
  const two = read("Ticker,A,A,B,B\nPrice,Open,Close,Open,Close\nDate,,,,\n2023-10-02,1,2,3,4\n2023-10-03,2,3,4,5\n");
  assert.deepEqual(two.titles, ["Date", "Open", "Close", "Open", "Close"]);
  assert.deepEqual(two.table.columns.map(({ group }) => group), [undefined, "A", "A", "B", "B"]);
  const merged = read(",A,,B,\nDate,Open,Close,Open,Close\n2023-10-02,1,2,3,4\n2023-10-03,2,3,4,5\n");
  assert.deepEqual(merged.table.columns.map(({ group }) => group), [undefined, "A", "A", "B", "B"]);
});

Deno.test("a row with too many or too few cells is an error with its line", () => {
  assert.throws(() => read(`Date,Close\n${plain(",")}\n2023-10-05,1,234\n`), {
    name: "TableError",
    message:
      "Cannot read f: line 5: it must have 2 cells as the header has, got 3; a cell with commas in it must be in " +
      'double quotes, such as "1,234.5"',
  });
  assert.throws(() => read(`Date,Close,Volume\n2023-10-02,1,2\n2023-10-03,2\n2023-10-04,1,2\n`), {
    message: /^Cannot read f: line 3: it must have 3 cells as the header has, got 2; /,
  });
  assert.throws(() => read("date,close\n2020-01-02,10,25\n2020-01-03,11,25\n"), {
    message: /line 2: it must have 2 cells/,
  });
  assert.throws(() => read("a,b\nx\n"), { message: /line 2: it must have/ });
});

Deno.test("a stray quote never swallows rows", () => {
  const rows = Array.from({ length: 20 }, (_, i) => `text ${i},${i % 2 ? "pos" : "neg"}`);
  const withRows = (...odd: string[]) => `text,label\n${[...rows, ...odd, ...rows].join("\n")}\n`;
  const faults: [text: string, line: number][] = [
    [withRows('"Great" he said,pos'), 22],
    [withRows('"Great film,pos'), 22],
    [withRows('"Great film,pos', "fine,neg", 'so "good",pos'), 22],
    // The quote after next closes the cell well, with a row and a half in it.
    [withRows('"Great film,pos', "fine,neg", 'oh",pos'), 22],
    [`text,label\n"${rows.join("\n")}`, 2],
  ];
  for (const [text, line] of faults) {
    assert.throws(() => read(text), {
      message: new RegExp(`^Cannot read f: line ${line}: the double quote that opens a cell .*--quotes plain$`),
    });
    assert.throws(() => read(text, { plainQuotes: true }).rows.some((row) => row.length !== 2) || assert.fail("read"), {
      message: "read",
    });
  }
  assert.equal(read(withRows('The 12" version,pos')).rows[20]![0], 'The 12" version');
});

Deno.test("line breaks in quoted cells are kept, and lines are counted with them", () => {
  const text = 'text,label\n"first\nsecond, third",pos\n"say ""hi""",neg\nplain,pos\n';
  const { rows, table } = read(text);
  assert.deepEqual(rows, [["first\nsecond, third", "pos"], ['say "hi"', "neg"], ["plain", "pos"]]);
  assert.deepEqual([0, 1, 2].map(table.where), ["line 2", "line 4", "line 5"]);
});

Deno.test("columns are found by title in any case, a title with a comma, and position", () => {
  const { table } = read('Date,"Price, USD",Vol\n2023-10-02,1,2\n2023-10-03,2,3\n');
  for (const name of ["Price, USD", "price, usd", "2", "column 2"]) {
    assert.equal(findColumn(table, name)?.position, 2, name);
  }
  assert.equal(findColumn(table, "Close"), undefined);
  const twice = read("Date,Close,close,CLOSE\n2023-10-02,1,2,3\n2023-10-03,1,2,3\n").table;
  assert.equal(findColumn(twice, "close")?.position, 3);
  assert.throws(() => findColumn(twice, "cLOSE"), { message: /must be there once, got it in columns 2, 3, 4/ });
});

Deno.test("JSON in the shapes that programs write gives the same table", () => {
  const shapes: Record<string, unknown> = {
    records: ROWS.map(([date, close]) => ({ date, close: Number(close) })),
    arrays: [["date", "close"], ...ROWS.map(([date, close]) => [date, Number(close)])],
    columns: { date: ROWS.map(([date]) => date), close: ROWS.map(([, close]) => Number(close)) },
    split: { columns: ["date", "close"], data: ROWS.map(([date, close]) => [date, Number(close)]) },
    nested: { meta: { symbol: "X" }, data: ROWS.map(([date, close]) => ({ date, close: Number(close) })) },
    deep: {
      chart: { result: [{ date: ROWS.map(([date]) => date), quote: [{ close: ROWS.map(([, c]) => Number(c)) }] }] },
    },
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const { titles, rows, table } = read(JSON.stringify(shape));
    assert.deepEqual([titles, rows, table.format], [["date", "close"], ROWS, "JSON"], name);
  }
  const lines = read(ROWS.map(([date, close]) => JSON.stringify({ date, close: Number(close) })).join("\n"));
  assert.deepEqual([lines.titles, lines.rows, lines.table.format], [["date", "close"], ROWS, "JSON lines"]);
  const indexed = read(
    JSON.stringify({ "Time Series": Object.fromEntries(ROWS.map(([date, close]) => [date, { "4. close": close }])) }),
  );
  assert.deepEqual([indexed.titles, indexed.rows], [["", "4. close"], ROWS]);
  const frame = read(JSON.stringify({ Close: Object.fromEntries(ROWS.map(([date, close]) => [date, Number(close)])) }));
  assert.deepEqual([frame.titles, frame.rows], [["", "Close"], ROWS]);
});

Deno.test("JSON that is damaged or no table is an error", () => {
  const refused: [text: string, message: RegExp][] = [
    [
      '{"a":1,"b":2}\n{"a":1,\n',
      /^Cannot read f: line 2: it must be a JSON document or have a JSON value on each line/,
    ],
    ['[{"a":1},\n{"a":}]', /^Cannot read f: it must be a JSON document/],
    ['{"date":["2023-10-02"],"close":[1,2]}', /arrays must have the same length/],
    ["[[1,2],[3]]", /row 2: it must have 2 values as the first has, got 1/],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => read(text), { name: "TableError", message }, text);
  }
});

Deno.test("an empty file and one of comments are errors", () => {
  assert.throws(() => read(""), { message: "Cannot read f: it must have a header and rows, got an empty file" });
  assert.throws(() => read("\n \n"), { message: /got an empty file$/ });
  assert.throws(() => read("# one\n# two\n"), { message: /got comments alone$/ });
  for (const text of [",,", " , , \n,,\n", "\t\t\n"]) {
    assert.throws(() => parseTable(text, "x"), { message: /^Cannot read x: it must have a header and rows/ });
  }
});

Deno.test("a web page in place of the file is named", () => {
  for (const text of ["<html><body>Not found</body></html>", "\n<!DOCTYPE html>\n<p>a,b\n1,2"]) {
    assert.throws(() => read(text), { message: /it must be a table, got a web page or XML; download the file itself/ });
  }
});

Deno.test("hostile texts are read or refused in linear time", () => {
  const long = 300_000;
  for (
    const text of [
      '"'.repeat(long),
      `a,b\n${'"",'.repeat(long)}`,
      `a,b\n${'x,"y\n'.repeat(long / 5)}`,
      `a,b\n${'"x"y,\n'.repeat(long / 5)}`,
      `${" ".repeat(long)}x`,
      `a,b\n1,${" ".repeat(long)}x\n`,
      `a b\n${"1 ".repeat(long)}`,
      "#".repeat(long),
      "[".repeat(long),
      `{"a":${"[".repeat(5000)}`,
      `a,b\n${"\n".repeat(long)}1,2`,
      `Date,Close\n${"9".repeat(long)},1\n`,
    ]
  ) {
    const start = performance.now();
    try {
      parseTable(text, "f");
    } catch (error) {
      assert.ok(error instanceof Error && error.name === "TableError", `${error}`);
      assert.ok(error.message.length < 1000);
    }
    // A quadratic reading takes minutes.
    assert.ok(performance.now() - start < 20_000, text.slice(0, 20));
  }
});
