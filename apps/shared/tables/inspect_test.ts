import assert from "node:assert/strict";
import { inspect, inspectionText } from "./inspect.ts";
import { readTable } from "./read_table.ts";

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
