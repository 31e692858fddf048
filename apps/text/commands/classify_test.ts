import assert from "node:assert/strict";
import { withFolder } from "../../../tools/testing.ts";
import { runApp } from "../../shared/_run_app.ts";
import { Classifier } from "../classifier/classifier.ts";
import { reviews } from "../classifier/_reviews.ts";

Deno.test("classify trains on a file, prints its scores, and classifies the lines of stdin", () =>
  withFolder(async (folder) => {
    const { texts, labels } = reviews(300);
    const file = `${folder}/reviews.csv`;
    await Deno.writeTextFile(file, `text,label\n${texts.map((text, i) => `${text},${labels[i]}`).join("\n")}\n`);
    const out = `${folder}/a`;
    const trained = await runApp("text", folder, [
      "classify",
      "--csv",
      file,
      "--out",
      out,
      "--epochs",
      "2",
      "--hidden",
      "12",
    ]);
    assert.equal(trained.code, 0, trained.stderr);
    assert.match(trained.stdout, /\nactual \\ predicted +negative +positive\n/);
    assert.match(
      trained.stdout,
      /\nclass +training texts +texts +precision +recall +F1 +F1, logistic +F1, naive-bayes +F1, majority\n/,
    );
    assert.match(trained.stdout, /\nconfidence +texts +mean confidence +accuracy\n/);
    assert.match(trained.stdout, /\n +accuracy +95 % interval +balanced +macro F1 +log loss +calibration error\n/);
    const row = (name: string) =>
      new RegExp(
        `\\n${name} +[\\d.]+ % +[\\d.]+ % to [\\d.]+ % +[\\d.]+ % +[01]\\.\\d{3} +\\d+\\.\\d{3} +[\\d.]+ %\\n`,
      );
    for (
      const name of [
        "network \\(bidirectional 1×12 LSTM\\)",
        "logistic regression, words and word pairs",
        "naive Bayes, words and word pairs",
        "the most frequent class",
      ]
    ) assert.match(trained.stdout, row(name));
    assert.match(trained.stdout, /\n\nThe network is (not )?.*\(McNemar's test: .*p [=<] [\d.]+\).*\n$/);
    const { rated, verdict } = JSON.parse(await Deno.readTextFile(`${out}/metrics.json`));
    assert.deepEqual(rated.map(({ model }: { model: string }) => model), [
      "network",
      "logistic",
      "naive-bayes",
      "majority",
    ]);
    assert.ok(trained.stdout.endsWith(`\n${verdict}\n`));
    const classifier = `${out}/classifier.safetensors`;
    const predict = (stdin: string, ...args: string[]) =>
      runApp("text", folder, ["classify", "predict", classifier, ...args], { stdin });
    const { stdout, code, stderr } = await predict("good film indeed\n\nbad film indeed");
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^(posi|nega)tive\t[01]\.\d{3}\tgood film indeed\n\n(posi|nega)tive\t[01]\.\d{3}\tbad film indeed\n$/,
    );
    const lines = (await predict("a\r\nb\r\n", "--json")).stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ text }) => text), ["a", "b"]);
    assert.ok(Math.abs(lines[0].probabilities.positive + lines[0].probabilities.negative - 1) < 1e-6);

    const generated = await runApp("text", folder, ["generate", classifier]);
    assert.deepEqual([generated.code, generated.stdout], [1, ""]);
    assert.match(generated.stderr, /^error: Cannot read .*: it must be a language model, got "classifier"\n$/);
  }));

/** Runs the classify command of the app. */
function classify(folder: string, args: readonly string[], stdin?: string) {
  return runApp("text", folder, ["classify", ...args], { ...(stdin !== undefined && { stdin }) });
}

const SMALL = ["--epochs", "2", "--hidden", "8", "--embedding", "8"];

/** Trains a classifier on reviews in a CSV, with the texts changed. */
async function trained(folder: string, change: (text: string, i: number) => string, ...args: string[]) {
  const { texts, labels } = reviews(200);
  const file = `${folder}/reviews.csv`;
  await Deno.writeTextFile(
    file,
    `text,label\n${texts.map((text, i) => `${change(text, i)},${labels[i]}`).join("\n")}\n`,
  );
  const result = await classify(folder, ["--csv", file, "--out", `${folder}/a`, ...SMALL, ...args]);
  assert.equal(result.code, 0, result.stderr);
  return { ...result, file, model: `${folder}/a/classifier.safetensors` };
}

Deno.test("predict keeps the order of rows, blank ones included, in CSV and JSON lines; unknown words are counted", () =>
  withFolder(async (folder) => {
    const { model } = await trained(folder, (text) => text);
    const file = `${folder}/new.csv`;
    await Deno.writeTextFile(file, 'id;review\n1;"good; film"\n\n2;\n3;zzz qqq\n');
    const csv = await classify(folder, ["predict", model, "--csv", file, "--text-column", "review"]);
    assert.match(
      csv.stdout,
      /^id;review;predicted;probability\n1;"good; film";\w+;[01]\.\d{3}\n;;;\n2;;;\n3;zzz qqq;\w+;[01]\.\d{3}\n$/,
      csv.stderr,
    );
    assert.match(csv.stderr, /^note: [\d.]+ % of the words are not in the vocabulary of the classifier\n$/);
    const lines = '{"text": "good film", "id": 7}\n{"text": "", "id": 8}\n';
    const json = await classify(folder, ["predict", model, "--csv", "-"], lines);
    const [first, second] = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual([first.id, first.text, typeof first.predicted, second.predicted], [
      "7",
      "good film",
      "string",
      null,
    ]);
    const plain = await classify(folder, ["predict", model], "\ngood film\r\n\n");
    assert.match(plain.stdout, /^\n\w+\t[01]\.\d{3}\tgood film\n\n$/);
    const missing = await classify(folder, ["predict", model, "--csv", file]);
    assert.deepEqual([missing.code, missing.stdout], [1, ""]);
    assert.match(missing.stderr, /column "text" is missing; it has "id", "review"; --text-column names it/);
  }));

Deno.test("long texts that are cut are counted, and --keep and --max-tokens choose what is read", () =>
  withFolder(async (folder) => {
    const filler = (text: string) => `${"the film ".repeat(20)}${text}`;
    const whole = await trained(folder, filler, "--max-tokens", "30");
    assert.doesNotMatch(whole.stderr, /have more than/);
    const { model, stdout, stderr } = await trained(folder, filler, "--max-tokens", "30", "--keep", "end", "--json");
    assert.match(
      stderr,
      /^warning: 200 of 200 texts have more than 30 words \(the longest has \d+\), and only their end is read; --keep all reads them whole, in pieces; --max-tokens reads more\n/,
    );
    assert.equal(JSON.parse(stdout).settings.keep, "end");
    const classifier = Classifier.fromFile(await Deno.readFile(model), model);
    const [tokens, ...more] = classifier.piecesOf(classifier.tokenizer.encode(filler("good indeed")));
    assert.deepEqual([tokens!.length, more.length], [30, 0]);
    assert.deepEqual([...tokens!.slice(-2)], [...classifier.tokenizer.encode("good indeed")]);
    const predicted = await classify(folder, ["predict", model], `${filler("good indeed")}\n`);
    assert.match(predicted.stderr, /note: 1 of 1 texts have more than 30 words; only their end was read/);
  }));

Deno.test("--model saves a baseline, which predict, inspect, evaluate and export take like a network", () =>
  withFolder(async (folder) => {
    const { texts, labels } = reviews(300);
    const file = `${folder}/reviews.csv`;
    const rows = texts.map((text, i) => `${text.replace(/^(good|bad) /, `$1 ${labels[i]} `)},${labels[i]}`);
    await Deno.writeTextFile(file, `text,label\n${rows.join("\n")}\n`);
    const paths: string[] = [];
    for (const model of ["naive-bayes", "logistic"]) {
      const out = `${folder}/${model}`;
      const { code, stdout, stderr } = await classify(folder, ["--csv", file, "--out", out, "--model", model]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /\n\nSaved: (naive Bayes|logistic regression), words and word pairs\.\n$/);
      const path = `${out}/classifier.safetensors`;
      paths.push(path);
      const predicted = await classify(folder, ["predict", path], "a negative film\n");
      assert.match(predicted.stdout, /^negative\t[01]\.\d{3}\ta negative film\n$/);
      const inspected = await classify(folder, ["inspect", path, "--terms", "1"]);
      assert.match(
        inspected.stdout,
        /^(naive Bayes|logistic regression), words and word pairs: [\d,]+ weights, [\d,]+ different words, 2 classes\.\n\nWhat speaks most for each class:\n\nnegative: (bad )?negative\npositive: (good )?positive\n$/,
        inspected.stderr,
      );
      const about = JSON.parse((await classify(folder, ["inspect", path, "--json"])).stdout);
      assert.equal(about.model, model);
      assert.match(about.terms.positive[0].term, /positive$/);
      const exported = await classify(folder, ["export", path]);
      assert.match(exported.stdout, /^Written to \S+: classifier\.onnx, classifier\.onnx\.json\n/, exported.stderr);
    }
    const evaluated = await classify(folder, ["evaluate", ...paths, "--csv", file]);
    assert.equal(evaluated.code, 0, evaluated.stderr);
    assert.match(evaluated.stdout, /\nnegative +\d+ +100\.0 % +100\.0 % +1\.000\n/);
    assert.match(
      evaluated.stdout,
      /\nThe first classifier is just as accurate as the best of the others, logistic regression, .*\n$/,
    );
    const { models, comparison } = JSON.parse(
      (await classify(folder, ["evaluate", ...paths, "--csv", file, "--json"])).stdout,
    );
    assert.deepEqual(models.map(({ model }: { model: string }) => model), ["naive-bayes", "logistic"]);
    assert.equal(comparison.p, 1);
    await Deno.writeTextFile(file, "text,label\na film,good\na book,bad\n");
    const other = await classify(folder, ["evaluate", paths[0]!, "--csv", file]);
    assert.deepEqual([other.code, other.stdout], [1, ""]);
    assert.match(other.stderr, /labels must be classes of \S+, "negative", "positive", got "good"\n$/);
  }));
