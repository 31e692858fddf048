import assert from "node:assert/strict";
import { QUICK, stock, withPrices } from "../_testing.ts";

const FOLDS = ["--folds", "2", "--fold-days", "30"];

Deno.test("backtest: one row per fold, mean and standard deviation below; report shows everything on one page", () =>
  withPrices(async (folder, file) => {
    const args = ["--csv", file, "--out", `${folder}/a`, ...QUICK];
    const tested = await stock(folder, "backtest", ...args, ...FOLDS);
    assert.equal(tested.code, 0, tested.stderr);
    const again = await stock(folder, "backtest", ...args, ...FOLDS, "--resume", "--json");
    // All folds are done.
    assert.equal(again.stderr, "");
    const { folds, skill } = JSON.parse(again.stdout);
    const lines = (await Deno.readTextFile(`${folder}/a/backtest.jsonl`)).trimEnd().split("\n");
    assert.deepEqual(lines.slice(1).map((line) => JSON.parse(line)), folds);
    assert.deepEqual(folds.map(({ days }: { days: number }) => days), [30, 30]);
    // Without the last fold, it is tested again.
    await Deno.writeTextFile(`${folder}/a/backtest.jsonl`, lines.slice(0, 2).join("\n"));
    const rest = await stock(folder, "backtest", ...args, ...FOLDS, "--resume", "--json");
    assert.match(rest.stderr, /^fold 2\/2: .*\n$/);
    assert.equal(rest.stdout, again.stdout);
    const skills = folds.map(({ scores }: { scores: Record<string, { skill: number }> }) => scores.model!.skill);
    assert.ok(Math.abs(skill.mean - (skills[0] + skills[1]) / 2) < 1e-15);
    assert.ok(Math.abs(skill.deviation - Math.abs(skills[0] - skills[1]) / Math.SQRT2) < 1e-15);
    assert.match(tested.stdout, /\nmean ± std\. dev\. +-?[\d.]+ % ± [\d.]+ /);
    assert.match(
      tested.stdout,
      /\nThe model beats the naive forecast in \d of 2 folds, in \d of them significantly \(p < 0\.05\)\.\n$/,
    );

    const without = await stock(folder, "report", `${folder}/a`);
    assert.deepEqual([without.code, without.stdout], [1, ""]);
    assert.equal(without.stderr, `error: Cannot read ${folder}/a/metrics.json: there is no such file\n`);
    assert.equal((await stock(folder, "train", ...args)).code, 0);
    const report = await stock(folder, "report", `${folder}/a`);
    assert.deepEqual([report.code, report.stderr], [0, ""]);
    const page = await Deno.readTextFile(`${folder}/a/report.html`);
    const headings = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);
    assert.deepEqual(headings, [
      "Comparison with baselines",
      "Forecast",
      "Returns",
      "Errors over time",
      "Back-test",
      "Learning curve",
      "Gradient flow",
      "Settings",
    ]);
    assert.equal(page.match(/<svg /g)!.length, 5);
    assert.doesNotMatch(
      page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, ""),
      /https?:|src=|href=|@import|<script|NaN|undefined/,
    );
    const files = ["metrics.json", "forecasts.csv", "backtest.jsonl"].map((name) => `${folder}/a/${name}`);
    const originals = await Promise.all(files.map((file) => Deno.readTextFile(file)));
    const refused = async (index: number, from: string | RegExp, to: string, message: RegExp) => {
      await Deno.writeTextFile(files[index]!, originals[index]!.replace(from, to));
      const { code, stdout, stderr } = await stock(folder, "report", `${folder}/a`);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout, stderr.split("\n").length], [1, "", 2]);
      await Deno.writeTextFile(files[index]!, originals[index]!);
    };
    await refused(
      2,
      '"hidden":8',
      '"hidden":9',
      /must be from the same run as metrics.json, got hidden 9 instead of 8/,
    );
    await refused(
      2,
      /"mse":[^,]*/,
      '"mse":null',
      /backtest.jsonl: line 2: scores.model.mse must be a number of 0 or more, got null\n$/,
    );
    await refused(2, /"skill":([^,}]*)/, '"skill":"$1"', /line 2: scores\.model\.skill must be a finite number, got "/);
    // A fold twice, and folds in another order.
    const [head, first, second] = originals[2]!.split("\n") as [string, string, string];
    const later = /: line 3: from must be after the fold before, which ends on "[\d-]+", got "[\d-]+"\n$/;
    await refused(2, /^[^]*$/, [head, first, first, second, ""].join("\n"), later);
    await refused(2, /^[^]*$/, [head, second, first, ""].join("\n"), later);
    const other = JSON.stringify({ ...JSON.parse(second), scores: { ...JSON.parse(second).scores, drift: undefined } });
    await refused(2, second, other, /: line 3: scores must be those of "drift", .*, got "/);
    await refused(
      1,
      /^(.*)\n.*\n/,
      "$1\n",
      /forecasts.csv must be from the same run as metrics.json, got other test days or forecasts\n$/,
    );
    await refused(1, /\n\d{4}/, "\nbana", /forecasts.csv: line 2, column made: it must be a date, got "bana-/);
    const altered: [from: string | RegExp, to: string, message: RegExp][] = [
      ['"target": "price"', '"target": "rent"', /settings\.target must be one of price, change, .*, got "rent"; run/],
      [/"next": \{/, '"after": {', /next must be an object, got undefined; run train again\n$/],
      [/"mse": [^,]*/, '"mse": null', /scores\.model\.mse must be a number of 0 or more, got null; run/],
      [/"skill": [^,\s]*/, '"skill": 1e999', /scores\.model\.skill must be a finite number, got Infinity; run/],
      [/"radii": \[\s*/, '"radii": [-', /interval\.radii\[0\] must be a number of 0 or more, got -/],
      [/"accuracy": [^,]*/, '"accuracy": 1.5', /direction\.accuracy must be a number from 0 to 1, got 1\.5; run/],
      [/"unit": "[^"]*"/, '"unit": "fortnight"', /rhythm\.unit must be one of second, .*, got "fortnight"; run/],
      [/"model": "[^"]* \(epoch/, '"modell": "x (epoch', /labels\.model must be a text, got undefined; run/],
      [/^[^]*$/, "{}", /metrics\.json: data must be an object, got undefined; run train again\n$/],
      [/^[^]*$/, "", /metrics\.json: it must be a JSON document, got ""; run train again\n$/],
    ];
    for (const [from, to, message] of altered) await refused(0, from, to, message);
    // Scores that do not exist are shown as a dash.
    await Deno.writeTextFile(
      files[0]!,
      originals[0]!.replaceAll(/"r2": [^,]*/g, '"r2": null').replaceAll(
        /"comparison": \{[^}]*\}/g,
        '"comparison": null',
      ),
    );
    assert.equal((await stock(folder, "report", `${folder}/a`)).code, 0);
    const dashed = await Deno.readTextFile(`${folder}/a/report.html`);
    const [scores] = /<tbody>[^]*?<\/tbody>/.exec(dashed)!;
    const rows = [...scores.matchAll(/<tr>[^]*?<\/tr>/g)].map(([row]) => row.match(/<td>—<\/td>/g)?.length);
    assert.deepEqual([rows[0], ...new Set(rows.slice(1))], [1, 2]);
    assert.doesNotMatch(dashed, />(?:NaN|undefined|null)\b/);
  }));

Deno.test("tune writes one line per trial, resumes after the last one, and prints how to train the best", () =>
  withPrices(async (folder, file) => {
    // The longest window and the test part leave few days for the folds.
    const args = ["tune", "--csv", file, "--epochs", "1", "--folds", "1", "--fold-days", "20", "--seed", "3"];
    const run = (out: string, ...more: string[]) => stock(folder, ...args, "--out", `${folder}/${out}`, ...more);
    const lines = async (out: string) => (await Deno.readTextFile(`${folder}/${out}/tune.jsonl`)).trimEnd().split("\n");
    const whole = await run("whole", "--trials", "4");
    assert.equal(whole.code, 0, whole.stderr);
    const trials = (await lines("whole")).slice(1).map((line) => JSON.parse(line));
    const best = trials.reduce((a, b) => b.skills[0] > a.skills[0] ? b : a).candidate;
    assert.equal(
      whole.stdout.trimEnd().split("\n").at(-1),
      `  train --model ${best.model} --hidden ${best.hidden} --window ${best.window} --learning-rate ${best.learningRate} ` +
        `--csv ${file} --epochs 1 --seed 3`,
    );
    assert.equal((await run("parts", "--trials", "2")).code, 0);
    const again = await run("parts", "--trials", "4");
    assert.deepEqual([again.code, again.stdout], [1, ""]);
    assert.match(
      again.stderr,
      /^error: Cannot start: .*tune\.jsonl already exists; continue it with --resume, or choose another folder with --out\n$/,
    );
    const resumed = await run("parts", "--trials", "4", "--resume");
    assert.deepEqual(resumed.stderr.trim().split("\n").map((line) => line.slice(0, 9)), ["trial 3/4", "trial 4/4"]);
    assert.deepEqual(await lines("parts"), await lines("whole"));
    const other = await run("parts", "--trials", "4", "--resume", "--validation", "0.2");
    assert.match(
      other.stderr,
      /^error: Cannot resume .*tune\.jsonl: it must be from the same run, got validation 0\.15 instead of 0\.2\n$/,
    );
    const bad = [...(await lines("parts")).slice(0, 2), "{", ""].join("\n");
    await Deno.writeTextFile(`${folder}/parts/tune.jsonl`, bad);
    const broken = await run("parts", "--trials", "4", "--resume");
    assert.match(broken.stderr, /^error: Cannot read .*tune\.jsonl: line 3 must be a JSON object, got "\{"\n$/);
    const [head, first, second] = await lines("whole") as [string, string, string];
    const altered: [lines: string[], message: RegExp][] = [
      [[first, first], /line 3: trial must be 2, got 1\n$/],
      [[second], /line 2: trial must be 1, got 2\n$/],
      [[first.replace(/"hidden":\d+/, '"hidden":9')], /line 2: candidate\.hidden must be \d+, got 9\n$/],
      [
        [first.replace(/"skills":\[.*\]/, '"skills":[null]')],
        /line 2: skills\[0\] must be a finite number, got null\n$/,
      ],
      [[first.replace(/"skills":\[/, '"skills":[1,')], /line 2: skills must be a list of 1, got one of 2\n$/],
    ];
    for (const [some, message] of altered) {
      await Deno.writeTextFile(`${folder}/parts/tune.jsonl`, [head, ...some, ""].join("\n"));
      assert.match((await run("parts", "--trials", "4", "--resume")).stderr, message);
    }
  }));
