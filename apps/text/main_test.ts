import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { runApp, stopApp } from "../shared/_run_app.ts";

/** A random text with words and lines. */
function someText(length: number, seed = 1): string {
  const random = new Random(seed);
  const words = ["the", "whale", "swam", "under", "ship", "and", "Ahab", "said:", "“no”", "more."];
  let text = "";
  while (text.length < length) text += words[random.integer(words.length)] + (random.integer(8) === 0 ? "\n" : " ");
  return text.slice(0, length);
}

const QUICK = [
  "--epochs",
  "2",
  "--hidden",
  "12",
  "--layers",
  "1",
  "--embedding",
  "8",
  "--batch-size",
  "10",
  "--time",
  "20",
];

/** Runs a test in a folder with a text file. */
function withText(test: (folder: string, file: string) => Promise<void>, text = someText(6000)): Promise<void> {
  return withFolder(async (folder) => {
    const file = `${folder}/text.txt`;
    await Deno.writeTextFile(file, text);
    await test(folder, file);
  });
}

const text = (folder: string, ...args: string[]) => runApp("text", folder, args);

for (const kind of ["char", "word", "byte"]) {
  Deno.test(`${kind}: train writes a model and prints its loss and the baselines; generate, evaluate and report read it`, () =>
    withText(async (folder, file) => {
      const out = `${folder}/${kind}`;
      const train = ["train", "--text", file, "--tokens", kind, "--out", out, ...QUICK];
      const trained = await text(folder, ...train);
      assert.equal(trained.code, 0, trained.stderr);
      const unit = kind === "char" ? "character" : kind;
      assert.match(
        trained.stdout,
        new RegExp(`\\nvalidation loss +nats per ${unit} +${kind === "word" ? "perplexity" : `bits per ${unit}`}\\n`),
      );
      assert.match(trained.stdout, /\n1×12 LSTM \(epoch \d\) .*\n5-gram \(Witten-Bell\) .*\nunigram .*\nuniform .*\n/);
      assert.match(trained.stderr, /^epoch 1\/2 {2}loss [\d.]+ {2}validation [\d.]+ {2}[\d,]+ tokens\/s/);
      assert.deepEqual([...Deno.readDirSync(out)].map(({ name }) => name).sort(), [
        "metrics.json",
        "model.safetensors",
      ]);
      const metrics = JSON.parse(await Deno.readTextFile(`${out}/metrics.json`));
      assert.equal(metrics.history.length, 2);
      assert.ok(metrics.floors.fiveGram < metrics.floors.unigram && metrics.floors.unigram < metrics.floors.uniform);

      const model = `${out}/model.safetensors`;
      const write = ["generate", model, "--prompt", "the ", "--length", "30"];
      const [a, b, other] = [
        await text(folder, ...write),
        await text(folder, ...write),
        await text(folder, ...write, "--seed", "2"),
      ];
      assert.equal(a.code, 0, a.stderr);
      assert.ok(a.stdout.startsWith("the") && a.stdout.endsWith("\n"));
      assert.equal(a.stdout, b.stdout);
      assert.notEqual(a.stdout, other.stdout);
      const stopped = await text(folder, ...write, "--count", "2", "--stop", " ");
      assert.equal(stopped.code, 0, stopped.stderr);
      assert.ok(stopped.stdout.split("\n\n---\n\n").every((one) => !one.trimEnd().slice(4).includes(" ")));
      const many = JSON.parse((await text(folder, ...write, "--count", "3", "--json")).stdout);
      assert.equal(new Set(many).size, 3);

      const evaluated = await text(folder, "evaluate", model, "--text", file, "--json");
      assert.equal(evaluated.code, 0, evaluated.stderr);
      const { loss, tokens } = JSON.parse(evaluated.stdout);
      assert.equal(tokens, metrics.data.tokens);
      // The model trained on most of this text.
      assert.ok(loss > 0 && loss < metrics.floors.uniform);

      const report = await text(folder, "report", out);
      assert.deepEqual([report.code, report.stderr], [0, ""]);
      const page = await Deno.readTextFile(`${out}/report.html`);
      const headings = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading!.replace(/\d+/, "N"));
      assert.deepEqual(headings, [
        "Loss on unseen text",
        "Learning curve",
        "Samples",
        "Surprise",
        "Unit N",
        "Configuration",
      ]);
      assert.doesNotMatch(
        page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, ""),
        /https?:|src=|href=|@import|<script|NaN|undefined/,
      );
    }));
}

Deno.test("the same seed gives the same model, bit for bit, also after stopping and resuming with dropout", () =>
  withText(async (folder, file) => {
    const args = (
      name: string,
    ) => ["train", "--text", file, "--out", `${folder}/${name}`, ...QUICK, "--epochs", "30", "--dropout", "0.2"];
    for (const name of ["whole", "again"]) assert.equal((await text(folder, ...args(name))).code, 0);
    const stopped = await stopApp("text", folder, args("left"), "SIGINT");
    assert.deepEqual([stopped.code, stopped.stdout], [130, ""], stopped.stderr);
    assert.match(stopped.stderr, /Run the same command with --resume to continue\.\n$/);
    const whole = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, whole.split("").reverse().join(""));
    const other = await text(folder, ...args("left"), "--resume");
    assert.match(
      other.stderr,
      /error: Cannot resume from .*: it belongs to another run: its textHash is \d+, this run's \d+/,
    );
    await Deno.writeTextFile(file, whole);
    const resumed = await text(folder, ...args("left"), "--resume");
    assert.equal(resumed.code, 0, resumed.stderr);
    const files = ["model.safetensors", "metrics.json"];
    for (const name of files) {
      const expected = await Deno.readFile(`${folder}/whole/${name}`);
      for (const other of ["again", "left"]) {
        assert.deepEqual(await Deno.readFile(`${folder}/${other}/${name}`), expected, `${other} ${name}`);
      }
    }
  }, someText(20_000)));

Deno.test("--steps ends a run within an epoch and validates it; text can come from stdin", () =>
  withFolder(async (folder) => {
    const args = ["train", "--text", "-", "--steps", "7", "--out", `${folder}/a`, ...QUICK, "--json"];
    const { code, stdout, stderr } = await runApp("text", folder, args, { stdin: someText(6000) });
    assert.equal(code, 0, stderr);
    const { steps, history, validationLoss, data } = JSON.parse(stdout);
    assert.deepEqual([steps, history.length, data.source, data.characters], [7, 1, "stdin", 6000]);
    assert.ok(validationLoss > 0);
    const page = await text(folder, "report", `${folder}/a`);
    assert.equal(page.code, 0, page.stderr);
  }));

const bad: [what: string, content: string | Uint8Array<ArrayBuffer> | undefined, args: string[], message: string][] = [
  ["no file", undefined, [], "Cannot read FILE: there is no such file"],
  ["an empty text", "", [], "Cannot train on FILE: it must not be empty, got no text"],
  [
    "a text shorter than a batch",
    someText(150),
    [],
    "Cannot train on FILE: the training part must have at least 201 tokens (batch size 10 × time 20 + 1), " +
    "got 134 of 150; try a smaller --batch-size or --time",
  ],
  [
    "bytes that are not UTF-8",
    Uint8Array.of(...new TextEncoder().encode("good "), 0xff),
    [],
    "Cannot read FILE: it must be UTF-8 text, got an invalid byte sequence at byte 5; --encoding names another encoding, such as windows-1252, and --tokens byte reads any file",
  ],
];

for (const [what, content, args, message] of bad) {
  Deno.test(`bad data: ${what}: one line, exit code 1`, () =>
    withFolder(async (folder) => {
      const file = `${folder}/text.txt`;
      if (typeof content === "string") await Deno.writeTextFile(file, content);
      else if (content !== undefined) await Deno.writeFile(file, content);
      const { code, stdout, stderr } = await text(folder, "--text", file, "--out", `${folder}/out`, ...QUICK, ...args);
      assert.deepEqual([code, stdout, stderr], [1, "", `error: ${message.replace("FILE", file)}\n`]);
    }));
}

Deno.test("bad usage: one line, exit code 2", () =>
  withFolder(async (folder) => {
    const cases: [string[], RegExp][] = [
      [["--tokens", "syllable"], /Allowed choices are char, word, byte\.\n$/],
      [["--validation", "0.5"], /It must be a number above 0 and below 0\.5\.\n$/],
      [["--test", "-1"], /It must be a number of 0 or more and below 0\.5\.\n$/],
      [["--tied", "--embedding", "32"], /^error: with --tied, --embedding must equal --hidden, 192, got 32\n$/],
      [["--text", "-", "-"], /^error: --text must have - at most once: stdin can be read only once\n$/],
      [["generate", "--top-p", "0"], /It must be a number above 0 and at most 1\.\n$/],
      [["generate", "--stop", ""], /It must not be empty\.\n$/],
      [
        ["classify", "--label-column", "Text"],
        /^error: --text-column and --label-column must be different columns, got text for both\n$/,
      ],
      [["generate", "--temperature", "-1"], /It must be a number of 0 or more\.\n$/],
      [["classify", "train", "--epochs", "0"], /It must be an integer of 1 or more\.\n$/],
      [["classify", "predict", "a", "b"], /^error: too many arguments/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await text(folder, ...args);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, ""]);
    }
  }));

Deno.test("generate names an unknown character of the prompt; report names bad metrics and a bad --unit", () =>
  withText(async (folder, file) => {
    const out = `${folder}/a`;
    assert.equal((await text(folder, "--text", file, "--out", out, ...QUICK)).code, 0);
    const { code, stdout, stderr } = await text(folder, "generate", `${out}/model.safetensors`, "--prompt", "the Ж");
    assert.deepEqual([code, stdout], [1, ""]);
    assert.equal(
      stderr,
      'error: Cannot read "the Ж": every character must be in the model\'s vocabulary, got "Ж"; ' +
        "a model trained with --tokens byte reads any text\n",
    );
    const none = await text(folder, "generate", folder);
    assert.equal(none.stderr, `error: Cannot read ${folder}: it must be a file, got a folder\n`);
    const metrics = await Deno.readTextFile(`${out}/metrics.json`);
    const altered: [string | RegExp, string, RegExp][] = [
      [
        /"passage": \[/,
        '"passage": [99999, ',
        /the passage in .* must match the model, got other tokens; run train again\n$/,
      ],
      [
        /"history": \[[^\]]*\]/,
        '"history": null',
        /metrics\.json: history must be a list, got null; run train again\n$/,
      ],
      [/"unigram": [^,]*/, '"unigram": "1"', /metrics\.json: floors\.unigram must be a finite number, got "1"; run/],
      [/"unigram": [^,]*/, '"unigram": 1e999', /floors\.unigram must be a finite number, got Infinity; run/],
      [/"testLoss": [^,]*/, '"testLoss": null', /testLoss must be a finite number, got null; run train again\n$/],
      [/^[^]*$/, '{"passage": 1}', /metrics\.json: data must be an object, got undefined; run train again\n$/],
      [/^[^]*$/, "{", /metrics\.json: it must be a JSON document, got "\{"; run train again\n$/],
    ];
    for (const [from, to, message] of altered) {
      await Deno.writeTextFile(`${out}/metrics.json`, metrics.replace(from, to));
      const { code, stderr } = await text(folder, "report", out);
      assert.match(stderr, message);
      assert.deepEqual([code, stderr.split("\n").length], [1, 2]);
    }
    await Deno.writeTextFile(`${out}/metrics.json`, metrics);
    const unit = await text(folder, "report", out, "--unit", "12");
    assert.equal(unit.stderr, "error: Cannot show unit 12: --unit must be less than 12, the model's units, got 12\n");
  }));
