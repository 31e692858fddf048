import assert from "node:assert/strict";
import { type DecimalMark, readNumbers } from "./numbers.ts";
import type { Table, TableColumn } from "./table.ts";

function column(cells: readonly string[], title = "Close", position = 2): TableColumn {
  return { title, position, cells };
}

function tableOf(columns: readonly TableColumn[]): Table {
  const where = (row: number) => `line ${row + 2}`;
  return { file: "f", format: "CSV", hasHeader: true, columns, rowCount: columns[0]!.cells.length, where, notes: [] };
}

function read(cells: readonly string[], decimal?: DecimalMark) {
  const one = column(cells);
  const [{ values, notes, missing }] = readNumbers(tableOf([one]), [one], decimal) as [
    ReturnType<typeof readNumbers>[0],
  ];
  return { values: [...values], notes: notes.map(({ text }) => text), missing };
}

Deno.test("numbers in the conventions of many countries", () => {
  const conventions: [name: string, cells: string[], values: number[]][] = [
    ["plain", ["1234.5", "-0.25", "+3", ".5", "5."], [1234.5, -0.25, 3, 0.5, 5]],
    ["English thousands", ["1,234.5", "1,234,567.25", "12"], [1234.5, 1234567.25, 12]],
    ["German", ["1.234,5", "1.234.567,25", "12"], [1234.5, 1234567.25, 12]],
    ["French, with spaces of three kinds", ["1 234,5", "1\u00a0234\u202f567,25", "12"], [1234.5, 1234567.25, 12]],
    ["Swiss", ["1'234.5", "1’234’567.25", "12"], [1234.5, 1234567.25, 12]],
    ["Indian", ["1,23,400.5", "12,34,567.25", "12"], [123400.5, 1234567.25, 12]],
    ["a decimal comma without thousands", ["1234,5", "0,125", "12,50"], [1234.5, 0.125, 12.5]],
    ["exponents", ["1.5e3", "2E-2", "1.234e5"], [1500, 0.02, 123400]],
    ["suffixes", ["1.5K", "2.25M", "3B", "1.1bn", "2T"], [1500, 2250000, 3e9, 1.1e9, 2e12]],
    ["parentheses for negatives", ["(1.5)", "(1,234.5)", "2"], [-1.5, -1234.5, 2]],
    ["minus signs of Unicode", ["−1.5", "–2.5", "-3", "﹣4", "5-"], [-1.5, -2.5, -3, -4, -5]],
    ["wide digits", ["１２．５", "3"], [12.5, 3]],
    ["decimals of a fraction settle the mark", ["0,123", "100,123"], [0.123, 100.123]],
    ["four digits before the mark settle it", ["1234,567", "100,123"], [1234.567, 100.123]],
    ["two groups settle the mark", ["1,234,567", "100,123"], [1234567, 100123]],
  ];
  for (const [name, cells, values] of conventions) assert.deepEqual(read(cells).values, values, name);
});

Deno.test("currencies and percent signs are dropped and said", () => {
  for (
    const [cell, unit] of [
      ["€100.50", "€"],
      ["100.50 €", "€"],
      ["USD 100.50", "USD"],
      ["100.50 CHF", "CHF"],
      ["US$100.50", "US$"],
      ["-$100.50", "$"],
      ["R$ 100.50", "R$"],
      ["100.50 kr", "kr"],
      ["100.50 zł", "zł"],
    ] as const
  ) {
    const { values, notes } = read([cell, "3.25"]);
    assert.deepEqual([values.map(Math.abs), notes], [[100.5, 3.25], [
      `column Close: the currency "${unit}" is dropped`,
    ]], cell);
  }
  const { values, notes } = read(["5.25%", "-0.5 %"]);
  assert.deepEqual([values, notes], [[5.25, -0.5], ["column Close: numbers are in %; 5 % is read as 5"]]);
  assert.throws(() => read(["€1.5", "$2.5"]), {
    message: /^Cannot read f: line 3, column Close: its numbers must all be in the same unit, "€", got "\$2.5"/,
  });
  assert.throws(() => read(["1.5", "2.5%"]), {
    message: /line 2, column Close: its numbers must all be in the same unit, "%", got "1.5"/,
  });
});

Deno.test("missing values in the habits of FRED, pandas, R, spreadsheets and databases are counted", () => {
  const marks = [
    "",
    " ",
    ".",
    "NA",
    "n/a",
    "N/A",
    "NaN",
    "nan",
    "null",
    "NULL",
    "None",
    "-",
    "--",
    "—",
    "#N/A",
    "#DIV/0!",
    "\\N",
    "nd",
  ];
  const { values, missing } = read(["1.5", ...marks, "2"]);
  assert.deepEqual([values, missing], [[1.5, ...marks.map(() => NaN), 2], marks.length]);
});

Deno.test("where all values have three decimals the column asks, or the option says", () => {
  const cells = ["100,123", "100,213", "101,473"];
  assert.throws(() => read(cells), {
    name: "TableError",
    message:
      'Cannot read f: line 2, column Close: nothing tells whether "100,123" is 100123 (--decimal point) or 100.123 ' +
      "(--decimal comma), since all its values fit both; add the one that is meant",
  });
  assert.deepEqual(read(cells, "comma").values, [100.123, 100.213, 101.473]);
  assert.deepEqual(read(cells, "point").values, [100123, 100213, 101473]);
  const points = read(["101.000", "101.091"]);
  assert.deepEqual([points.values, points.notes], [[101, 101.091], [
    'column Close: "101.000" is read as 101; --decimal comma reads 101000',
  ]]);
  // 998 beside 1.002 may be a step of four or a jump to a thousandth.
  assert.throws(() => read(["998", "1.002"]), { message: /--decimal/ });
});

Deno.test("a column that leaves the mark open follows the others that are read, never one that is not", () => {
  const close = column(["1.234,5", "1.235,5"]);
  const volume = column(["1.234", "2.345"], "Volume", 3);
  const table = tableOf([close, volume]);
  const [, followed] = readNumbers(table, [close, volume]);
  assert.deepEqual([...followed!.values], [1234, 2345]);
  const [alone] = readNumbers(table, [volume]);
  assert.deepEqual([...alone!.values], [1.234, 2.345]);
});

Deno.test("what is no number, and marks that contradict one another, are errors with line and column", () => {
  for (
    const cell of [
      "abc",
      "1,2,3",
      "12,34,5",
      "1.2.3",
      "1..2",
      "1 2",
      "NEG5",
      "1-2",
      "--1",
      "(-1)",
      "12:30",
      "1,234.567,8",
      "0x10",
      "1e400",
      "Infinity",
      "5 apples",
      "١٢",
    ]
  ) {
    assert.throws(() => read(["1.5", cell]), {
      name: "TableError",
      message: /^Cannot read f: line 3, column Close: it must be a number/,
    }, cell);
  }
  assert.throws(() => read(["1,234.5", "1.234,5"]), {
    message:
      'Cannot read f: column Close: all numbers must have the same decimal mark, got "1,234.5" in line 2 and "1.234,5" in line 3',
  });
  assert.throws(() => read(["1.5", "12,50"], "point"), {
    message: /line 3, column Close: it must be a number with a decimal point, got "12,50"/,
  });
  const long = `1${" ".repeat(100_000)}x\x1b[31m`;
  assert.throws(() => read([long]), ({ message }) => {
    assert.match(message, /more characters\)$/);
    // deno-lint-ignore no-control-regex
    return !/\x1b/.test(message) && message.length < 250;
  });
});
