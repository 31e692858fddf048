import assert from "node:assert/strict";
import { withFolder } from "../../../tools/testing.ts";
import { runApp } from "../../shared/_run_app.ts";
import { months, QUICK, stock, walk, weeks, withPrices } from "../_testing.ts";

/** Writes a file and trains on it. */
async function train(folder: string, text: string | Uint8Array, ...args: string[]) {
  const file = `${folder}/prices.csv`;
  await Deno.writeFile(file, typeof text === "string" ? new TextEncoder().encode(text) : text);
  return { file, ...await stock(folder, "--csv", file, "--out", `${folder}/a`, ...QUICK, ...args) };
}

Deno.test("weekly data have weeks: in words, seasons, forecast dates and charts", () =>
  withFolder(async (folder) => {
    const { code, stdout, stderr, file } = await train(folder, walk(weeks(600)), "--horizon", "2");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /: 600 weeks, 2005-01-03 to 2016-06-27; tested on \d+ weeks from /);
    assert.match(stdout, /\nclose in 2 weeks .*\n[^]*\nseasonal \(52 weeks ago\) /);
    assert.match(stdout, /\n {2}in 1 week \(2016-07-04\): [\d.,]+ .*\n {2}in 2 weeks \(2016-07-11\): /);
    assert.doesNotMatch(stdout, /\bdays?\b/);
    assert.match(await Deno.readTextFile(`${folder}/a/next.csv`), /^date,forecast,low,high\n2016-07-04,[\d.]+,/);
    assert.match(await Deno.readTextFile(`${folder}/a/forecast.svg`), />Last 60 weeks and forecast/);
    const page = await stock(folder, "report", `${folder}/a`);
    assert.equal(page.code, 0, page.stderr);
    assert.match(await Deno.readTextFile(`${folder}/a/report.html`), /600 weeks, 2005-01-03 to 2016-06-27/);
    // A model of weeks means nothing to days.
    await Deno.writeTextFile(
      file,
      walk(Array.from({ length: 90 }, (_, i) => new Date(Date.UTC(2023, 0, 1 + i)).toISOString().slice(0, 10))),
    );
    const daily = await stock(folder, "forecast", `${folder}/a/model.safetensors`, "--csv", file);
    assert.match(
      daily.stderr,
      /the model was trained on a row every week, got one every day; give it a file like that, or train a model on this one\n$/,
    );
  }));

Deno.test("volatility a year follows the frequency, and bars within a day have none unless asked", () =>
  withFolder(async (folder) => {
    const monthly = await train(
      folder,
      walk(months(300), { step: 0.2 / Math.sqrt(12) }),
      "--target",
      "volatility",
      "--horizon",
      "12",
      "--json",
    );
    assert.equal(monthly.code, 0, monthly.stderr);
    const { value } = JSON.parse(monthly.stdout).next.steps[0];
    assert.ok(value > 14 && value < 26, `${value}`);
    const minutes = Array.from(
      { length: 300 },
      (_, i) => new Date(Date.UTC(2023, 9, 2, 9, 30 + i)).toISOString().slice(0, 16),
    );
    const text = walk(minutes, { step: 0.001 });
    const bars = await train(folder, text, "--target", "volatility", "--horizon", "5");
    assert.match(
      bars.stdout,
      /volatility of the next 5 minutes \(to 2023-10-02 14:34\): [\d.]+ % a minute/,
      bars.stderr,
    );
    const asked = await train(folder, text, "--target", "volatility", "--horizon", "5", "--per-year", "98280");
    assert.match(asked.stdout, /volatility of the next 5 minutes \(to .*\): [\d.]+ % a year/);
  }));

Deno.test("prices of 0 and below are an error that names the target that takes them, and it does", () =>
  withFolder(async (folder) => {
    const text = walk(weeks(120)).replace(/2005-05-02,[\d.]+/, "2005-05-02,-37.63");
    const refused = await train(folder, text);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(
      refused.stderr,
      /line 19, column Close: a price must be above 0 for returns, .*got -37.63; --target change forecasts/,
    );
    const { code, stdout, stderr, file } = await train(folder, text, "--target", "change");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\nnext week's close .*\n[^]*drift \(mean change\)/);
    const forecast = await stock(folder, "forecast", `${folder}/a/model.safetensors`, "--csv", file);
    assert.equal(forecast.code, 0, forecast.stderr);
    assert.equal((await stock(folder, "report", `${folder}/a`)).code, 0);
    // Differences of prices a thousand times as high are none that it knows.
    await Deno.writeTextFile(file, walk(weeks(120), { start: 100_000 }));
    const scaled = await stock(folder, "forecast", `${folder}/a/model.safetensors`, "--csv", file);
    assert.match(
      scaled.stderr,
      /the model was trained on prices from .* to .*, got .* at the end; bring the file to the same unit/,
    );
    const wrong = await train(folder, text, "--target", "change", "--features", "returns");
    assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
  }));

Deno.test("options say what a file leaves open: the instrument, the decimal mark, the encoding", () =>
  withFolder(async (folder) => {
    const lines = walk(weeks(120)).trimEnd().split("\n").slice(1);
    const several = `Date,Close,Name\n${lines.map((line) => `${line},A\n${line},B`).join("\n")}`;
    const asked = await train(folder, several);
    assert.match(asked.stderr, /it has 2 instruments in column Name: "A", "B"; pick one by --series A/);
    const { code, stderr } = await train(folder, several, "--series", "B");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^note: the series is "B"\n/);

    const comma = "Date;Close\n" +
      `${lines.map((line) => line.replace(",", ";").replace(/(\d+)\.(\d{3})\d/, "$1,$2")).join("\n")}`;
    assert.match((await train(folder, comma)).stderr, /--decimal point\) or .* \(--decimal comma\)/);
    assert.equal((await train(folder, comma, "--decimal", "comma")).code, 0);

    const latin = new TextEncoder().encode(`Date,Close,Note\n${lines.map((line) => `${line},x`).join("\n")}`);
    latin[latin.length - 1] = 0xe9;
    assert.match(
      (await train(folder, latin)).stderr,
      /line 121: it must be text in UTF-8, got the byte 0xe9.*--encoding/,
    );
    assert.equal((await train(folder, latin, "--encoding", "latin1")).code, 0);
  }));

Deno.test("standard input and gzip are read", () =>
  withFolder(async (folder) => {
    const text = walk(weeks(120));
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    const packed = new Uint8Array(await new Response(stream).arrayBuffer());
    const args = ["--csv", "-", "--out", `${folder}/a`, ...QUICK, "--json"];
    const piped = await runApp("stock", folder, args, { stdin: packed });
    assert.equal(piped.code, 0, piped.stderr);
    const { data } = JSON.parse(piped.stdout);
    assert.deepEqual([data.source, data.rows, data.rhythm], ["stdin", 120, { unit: "week", every: 1, perYear: 52 }]);
  }));

Deno.test("inspect prints how a file is read, and the reason and exit code 1 if it cannot be", () =>
  withPrices(async (folder, file) => {
    const { code, stdout, stderr } = await stock(folder, "inspect", file, "--column", "Open");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /: CSV with commas, UTF-8, with a header, 300 rows, 6 columns\n/);
    assert.match(stdout, /\nSeries: Open, dates in Date \(YYYY-MM-DD\), every day\n/);
    assert.match(stdout, new RegExp(`\nTo train on it:\n  deno task stock --csv ${file} --column Open\n$`));
    const json = await stock(folder, "inspect", file, "--json");
    assert.equal(JSON.parse(json.stdout).series.values, 300);
    await Deno.writeTextFile(file, "Date,A,B\n2023-10-02,1,2\n2023-10-03,2,1\n2023-10-04,2,3\n");
    const open = await stock(folder, "inspect", file);
    assert.equal(open.code, 1);
    assert.match(open.stdout, /\nIt cannot be trained on yet:\n {2}Cannot read .*: several columns may be the one/);
    assert.match(open.stderr, /^error: Cannot read .*: several columns may be the one.*--column A\n$/);
  }));

Deno.test("text from a file reaches the terminal without its control characters, and cut", () =>
  withFolder(async (folder) => {
    const hostile = `\x1b]0;owned\x07\x1b[2J${"x".repeat(5000)}`;
    const { stderr } = await train(folder, `Date,Close\n2023-10-02,1\n2023-10-03,${hostile}\n`);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(stderr, /[\x00-\x09\x0b-\x1f]/);
    assert.match(stderr, /\\u001b\]0;owned\\u0007.*more characters\)/);
    const inspected = await stock(folder, "inspect", `${folder}/prices.csv`);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(inspected.stdout + inspected.stderr, /[\x00-\x09\x0b-\x1f]/);
  }));
