import assert from "node:assert/strict";
import { dateLabel } from "./calendar.ts";
import { readDates, timeOf } from "./dates.ts";
import type { Table, TableColumn } from "./table.ts";

function read(cells: readonly string[], option?: string, time?: readonly string[]) {
  const column: TableColumn = { title: "Date", position: 1, cells };
  const where = (row: number) => `line ${row + 2}`;
  const table: Table = {
    file: "f",
    format: "CSV",
    hasHeader: true,
    columns: [column],
    rowCount: cells.length,
    where,
    notes: [],
  };
  const { times, unit, notes } = readDates(table, column, time && { title: "Time", position: 2, cells: time }, option);
  return { labels: Array.from(times, (time) => dateLabel(time, unit)), unit, notes: notes.map(({ text }) => text) };
}

const DAYS = ["2023-10-02", "2023-10-03", "2023-10-16"];

Deno.test("days in the formats that files have", () => {
  const formats: string[][] = [
    DAYS,
    ["2023-10-02T00:00:00Z", "2023-10-03T00:00:00Z", "2023-10-16T00:00:00Z"],
    ["2023-10-02 00:00:00-05:00", "2023-10-03 00:00:00-05:00", "2023-10-16 00:00:00-04:00"],
    ["2023-10-02T23:59:59.999Z", "2023-10-03T23:59:59.999Z", "2023-10-16T23:59:59.999Z"],
    ["2023/10/02", "2023/10/03", "2023/10/16"],
    ["2023.10.2", "2023.10.3", "2023.10.16"],
    ["20231002", "20231003", "20231016"],
    ["20231002 170000", "20231003 170000", "20231016 170000"],
    ["1696204800", "1696291200", "1697414400"],
    ["1696204800.0", "1696291200.0", "1697414400.0"],
    ["1696204800000", "1696291200000", "1697414400000"],
    ["1696204800000000", "1696291200000000", "1697414400000000"],
    ["1696204800000000000", "1696291200000000000", "1697414400000000000"],
    ["02/10/2023", "03/10/2023", "16/10/2023"],
    ["10/02/2023", "10/03/2023", "10/16/2023"],
    ["2.10.2023", "3.10.2023", "16.10.2023"],
    ["10/2/23", "10/3/23", "10/16/23"],
    ["10/02/2023 4:00 PM", "10/03/2023 4:00 PM", "10/16/2023 4:00 PM"],
    ["Oct 02, 2023", "Oct 03, 2023", "Oct 16, 2023"],
    ["October 2nd, 2023", "October 3rd, 2023", "October 16th, 2023"],
    ["02-Oct-2023", "03-Oct-2023", "16-Oct-2023"],
    ["2 October 2023", "3 October 2023", "16 October 2023"],
    ["02OCT2023", "03OCT2023", "16OCT2023"],
    ["02-Oct-23", "03-Oct-23", "16-Oct-23"],
    ["2. Okt. 2023", "3. Okt. 2023", "16. Okt. 2023"],
    ["2 octobre 2023", "3 octobre 2023", "16 octobre 2023"],
    ["Mon, 02 Oct 2023", "Tue, 03 Oct 2023", "Mon, 16 Oct 2023"],
    ["Mon, 02 Oct 2023 00:00:00 GMT", "Tue, 03 Oct 2023 00:00:00 GMT", "Mon, 16 Oct 2023 00:00:00 GMT"],
    [
      "Mon Oct 02 2023 00:00:00 GMT-0400 (EDT)",
      "Tue Oct 03 2023 00:00:00 GMT-0400 (EDT)",
      "Mon Oct 16 2023 00:00:00 GMT-0400 (EDT)",
    ],
    ["2023-Oct-02", "2023-Oct-03", "2023-Oct-16"],
    ["45201", "45202", "45215"],
  ];
  for (const cells of formats) assert.deepEqual([read(cells).labels, read(cells).unit], [DAYS, "day"], `${cells[0]}`);
});

Deno.test("two-digit years at either end are told apart by even steps, or asked for", () => {
  const days = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2023, 9, 2 + i)).toISOString().slice(2, 10));
  const expected = days.map((day) => `20${day}`);
  assert.deepEqual(read(days).labels, expected);
  assert.deepEqual(read(days.map((day) => day.split("-").toReversed().join("."))).labels, expected);
  assert.throws(() => read(["02-10-23", "03-10-23", "16-10-23"]), {
    message: /--date-format DMY .* or --date-format YMD/,
  });
});

Deno.test("weeks, months, quarters and years", () => {
  const periods: [cells: string[], labels: string[], unit: string][] = [
    [["2023-W05", "2023-W06"], ["2023-W05", "2023-W06"], "week"],
    [["2023W52", "2024W01"], ["2023-W52", "2024-W01"], "week"],
    [["2023-01", "2023-02"], ["2023-01", "2023-02"], "month"],
    [["1949/01", "1949/02"], ["1949-01", "1949-02"], "month"],
    [["202301", "202302"], ["2023-01", "2023-02"], "month"],
    [["1949M01", "1949M02"], ["1949-01", "1949-02"], "month"],
    [["01/2023", "02/2023"], ["2023-01", "2023-02"], "month"],
    [["Jan 2023", "Feb 2023"], ["2023-01", "2023-02"], "month"],
    [["Jan-23", "Feb-23"], ["2023-01", "2023-02"], "month"],
    [["1949", "1949.083", "1949.917"], ["1949-01", "1949-02", "1949-12"], "month"],
    [["2023Q1", "2023Q2"], ["2023-Q1", "2023-Q2"], "quarter"],
    [["2023-Q1", "2023-Q2"], ["2023-Q1", "2023-Q2"], "quarter"],
    [["Q1 2023", "Q2 2023"], ["2023-Q1", "2023-Q2"], "quarter"],
    [["1949", "1950"], ["1949", "1950"], "year"],
  ];
  for (const [cells, labels, unit] of periods) {
    const found = read(cells);
    assert.deepEqual([found.labels, found.unit], [labels, unit], `${cells[0]}`);
    for (const label of labels) assert.equal(dateLabel(timeOf(label), unit as "week"), label);
  }
});

Deno.test("times of a day: within a column, in a column apart, and in several zones", () => {
  const times = ["2023-10-02 09:30", "2023-10-02 09:31", "2023-10-02 09:32"];
  assert.deepEqual(read(["2023-10-02 09:30:00", "2023-10-02 09:31:00", "2023-10-02 09:32:00"]).labels, times);
  assert.deepEqual(read(["10/02/2023 9:30 am", "10/02/2023 9:31 am", "10/02/2023 9:32 am"], "MDY").labels, times);
  const apart = [["09:30", "09:31", "09:32"], ["093000", "093100", "093200"], ["93000", "93100", "93200"]];
  for (const time of apart) assert.deepEqual(read(["20231002", "20231002", "20231002"], undefined, time).labels, times);
  const zoned = read(["2023-11-05 01:30:00-04:00", "2023-11-05 01:30:00-05:00"]);
  assert.deepEqual([zoned.labels, zoned.notes], [["2023-11-05 05:30", "2023-11-05 06:30"], [
    "times have several time zones and are read as UTC",
  ]]);
  assert.equal(timeOf(times[0]!), Date.UTC(2023, 9, 2, 9, 30));
  assert.throws(() => read(["20231002"], undefined, ["25:00"]), {
    message: /column Time: it must be a time of day such as 16:00, got "25:00"/,
  });
});

Deno.test("day and month are told apart from the whole column, and said", () => {
  assert.deepEqual(read(["02/10/2023", "16/10/2023"]).notes, ['dates are D/M/Y: "02/10/2023" is 2023-10-02']);
  assert.deepEqual(read(["10/02/2023", "10/16/2023"]).notes, ['dates are M/D/Y: "10/02/2023" is 2023-10-02']);
  const firsts = Array.from(
    { length: 40 },
    (_, i) => `01/${`${i % 12 + 1}`.padStart(2, "0")}/${2010 + Math.floor(i / 12)}`,
  );
  const monthly = read(firsts);
  assert.deepEqual(monthly.labels.slice(0, 3), ["2010-01-01", "2010-02-01", "2010-03-01"]);
  assert.deepEqual(monthly.notes, [
    'dates are D/M/Y, since only so are they evenly spaced: "01/01/2010" is 2010-01-01',
  ]);
  const ordered = read(["05/01/2023", "12/01/2023", "02/02/2023", "09/02/2023"]);
  assert.equal(ordered.labels[3], "2023-02-09");
});

Deno.test("where nothing tells day and month apart the error shows both readings and the option", () => {
  assert.throws(() => read(["02/10/2023", "03/10/2023", "04/10/2023"]), {
    message:
      "Cannot read f: column Date: nothing tells the order of day and month, since all its dates fit D/M/Y and M/D/Y; add " +
      '--date-format DMY ("02/10/2023" is 2023-10-02) or --date-format MDY ("02/10/2023" is 2023-02-10)',
  });
  assert.equal(read(["02/10/2023", "03/10/2023"], "DMY").labels[0], "2023-10-02");
  assert.equal(read(["02/10/2023", "03/10/2023"], "m/d/y").labels[0], "2023-02-10");
});

Deno.test("--date-format takes directives of strptime", () => {
  assert.deepEqual(read(["2|10|2023", "3|10|2023"], "%d|%m|%Y").labels, ["2023-10-02", "2023-10-03"]);
  assert.deepEqual(read(["231002", "231003"], "%y%m%d").labels, ["2023-10-02", "2023-10-03"]);
  assert.deepEqual(read(["2023 day 275", "2023 day 276"], "%Y day %j").labels, ["2023-10-02", "2023-10-03"]);
  assert.deepEqual(read(["10.2023", "11.2023"], "%m.%Y").unit, "month");
  for (const format of ["%Q", "%d/%m", "nonsense", "%d %d %Y"]) {
    assert.throws(() => read(["1"], format), { message: /^Cannot read f: --date-format must be / }, format);
  }
  assert.throws(() => read(["2023-10-02"], "%d.%m.%Y"), {
    message: /line 2, column Date: it must be a date as --date-format %d.%m.%Y says, got "2023-10-02"/,
  });
});

Deno.test("what is no date, or another kind than those before, is an error with its line", () => {
  const refused: [cells: string[], message: RegExp][] = [
    [
      ["2023-10-02", "2023-02-30"],
      /line 3, column Date: it must be a date as the rows before have it \(YYYY-MM-DD\), got "2023-02-30"/,
    ],
    [["2023-10-02", "10/03/2023"], /line 3, .*--date-format/],
    [["2023-10-02", "2023-10-03x"], /line 3, /],
    [
      ["yesterday"],
      /line 2, column Date: it must be a date such as 2023-10-02, .* got "yesterday"; --date-format tells the format, --date-column another column/,
    ],
    [["13/13/2023"], /line 2, /],
    [["2023-10-02", ""], /line 3, column Date: it must be a date, got nothing; complete the row or remove it/],
    [["2023-W60"], /line 2, /],
    [["", ""], /must have dates, got none; --date-column names another/],
  ];
  for (const [cells, message] of refused) {
    assert.throws(() => read(cells), { name: "TableError", message }, cells.join());
  }
});
