import assert from "node:assert/strict";
import { assertPrintable, HOSTILE } from "../../../tools/testing.ts";
import { inspect, inspectionText } from "./inspect.ts";
import { readTable } from "./read_table.ts";
import { TableError } from "./table.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("inspect shows the layout, the columns and the series as it was understood", async () => {
  const rows = Array.from({ length: 30 }, (_, i) => `${20230101 + i};"1.0${10 + i},5";x`).join("\n");
  const read = await readTable(bytes(`date;close;note\n${rows}\n`), "prices.csv");
  const found = inspect(read);
  assert.deepEqual(found.columns.map(({ kind }) => kind), ["dates", "numbers", "text"]);
  assert.equal(
    inspectionText(found, "deno task stock --csv prices.csv"),
    [
      "prices.csv: CSV with semicolons, UTF-8, with a header, 30 rows, 3 columns",
      "",
      "Columns:",
      '    1  date   dates    "20230101" … "20230130"',
      '    2  close  numbers  "1.010,5" … "1.039,5"',
      '    3  note   text     "x" … "x"',
      "",
      "Series: close, dates in date (YYYYMMDD), every day",
      "  30 values from 2023-01-01 to 2023-01-30",
      "",
      "  2023-01-01  1010.5",
      "  2023-01-02  1011.5",
      "  2023-01-03  1012.5",
      "  …",
      "  2023-01-28  1037.5",
      "  2023-01-29  1038.5",
      "  2023-01-30  1039.5",
      "",
      "  the volatility is 0.01549 % a year",
      "  the next dates are 2023-01-31, 2023-02-01, 2023-02-02",
      "",
      "Notes:",
      "  note: column close: commas are decimal marks",
      "",
      "To train on it:",
      "  deno task stock --csv prices.csv",
    ].join("\n"),
  );
});

Deno.test("inspect shows what it can of a file that cannot be trained on, and why, without control characters", async () => {
  const read = await readTable(bytes("date,a\x1b[31m,b\n2023-10-02,1,2\n2023-10-03,2,3\n"), "f.csv");
  const found = inspect(read);
  assert.match(found.problem!, /several columns may be the one to forecast/);
  const text = inspectionText(found, "");
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text, /\x1b/);
  assert.match(text, /It cannot be trained on yet:\n {2}Cannot read f.csv: several columns/);
});

Deno.test("titles, cells and names of instruments are never shown whole or with control characters", async () => {
  const name = HOSTILE.replaceAll("\n", "").slice(0, 10_000);
  const days = Array.from({ length: 8 }, (_, i) => `2024-01-0${i + 1}`);
  const files = [
    `${name}\n${days.join("\n")}\n`,
    `Date,${name}\n${days.map((day, i) => `${day},${i}`).join("\n")}\n`,
    `Date,${name}\n${days.map((day) => `${day},${name}`).join("\n")}\n`,
    `Date,Close\n${days.map((day) => `${day},${name}`).join("\n")}\n`,
    `Date,Close\n${name},1\n${days.map((day) => `${day},1`).join("\n")}\n`,
    `Date,Symbol,Close\n${days.map((day, i) => `${day},${i % 2}${name},1`).join("\n")}\n`,
    `Date,Symbol,Close\n${days.flatMap((day) => [`${day},${name},1`, `${day},b,2`]).join("\n")}\n`,
    `Date,${name}.Close,b.Close\n${days.map((day) => `${day},1,2`).join("\n")}\n`,
    `Date,Time,Close\n${days.map((day) => `${day},${name},1`).join("\n")}\n`,
    `${name}\nDate,Close\n${days.map((day) => `${day},1`).join("\n")}\n`,
    `[{"date":"2024-01-01",${JSON.stringify(name)}:1},{"date":"2024-01-02",${JSON.stringify(name)}:2}]`,
    `{"date":${JSON.stringify(name)},"close":1}\n{"date":"2024-01-02","close":${JSON.stringify(name)}}\n`,
  ];
  for (const [index, file] of files.entries()) {
    const said: string[] = [];
    try {
      const read = await readTable(bytes(file), "f");
      const found = inspect(read);
      said.push(...inspectionText(found, "train").split("\n"), ...read.table.notes.map(({ text }) => text));
      if (found.problem !== undefined) said.push(found.problem);
    } catch (error) {
      assert.ok(error instanceof TableError, `file ${index}: ${error}`);
      said.push(error.message);
    }
    assert.ok(said.length > 0);
    for (const text of said) assertPrintable(text);
  }
});
