import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { checkOnnx, hasOnnxChecker, OnnxModel } from "../../../tools/onnx.ts";
import { assertEqual, integers, stir, withFolder } from "../../../tools/testing.ts";
import { runApp } from "../../shared/_run_app.ts";
import { CELLS } from "../../shared/choices.ts";
import { Classifier, type ClassifierConfig } from "./classifier.ts";
import { exportClassifier } from "./export.ts";
import { type Pool, POOLS } from "./network.ts";

const files = new Map<string, Uint8Array>();

const stack = {
  hidden: 8,
  layers: 2,
  embedding: 6,
  dropout: 0.5,
  embeddingDropout: 0.5,
  wordDropout: 0.5,
} as const;
const shared = {
  tokens: "word",
  vocabulary: ["a", "bad", "cafe", "not", "<unk>"],
  classes: ["x", "y", "z"],
} as const;
const counts = { parents: [0, 1, 3, 1, 5, 2, 7, 3] } as const;
const frequencies = { texts: 9, having: [9, 3, 4, 5, 0, 2, 1, 1, 1] } as const;
/** Every option of a classifier that changes what is computed. */
const CONFIGS: Readonly<Record<string, ClassifierConfig>> = {
  ...Object.fromEntries(CELLS.flatMap((cell) =>
    [false, true].map((bidirectional) => [
      `${cell}${bidirectional ? ", bidirectional" : ""}`,
      { ...shared, model: "network", encoder: { ...stack, cell, bidirectional, pools: POOLS } },
    ])
  )),
  ...Object.fromEntries(POOLS.map((pool: Pool) => [
    `pooled by ${pool}`,
    { ...shared, model: "network", encoder: { ...stack, cell: "gru", bidirectional: true, pools: [pool] } },
  ])),
  "with a bag of terms": {
    ...shared,
    model: "network",
    encoder: { ...stack, cell: "gru", bidirectional: true, pools: POOLS },
    bag: { ...counts, frequencies },
    limit: { longest: 3, keep: "all" },
  },
  "naive Bayes": { ...shared, model: "naive-bayes", bag: counts },
  "logistic regression": { ...shared, model: "logistic", bag: { ...counts, frequencies } },
};

for (const [name, config] of Object.entries(CONFIGS)) {
  Deno.test(`${name}: the ONNX model gives the same logits for texts of different lengths`, async () => {
    const random = new Random(1);
    const classifier = new Classifier(config, random);
    stir(classifier.network, random);
    const { file, about } = exportClassifier(classifier);
    files.set(name, file);
    assert.deepEqual(JSON.parse(JSON.stringify(about)).vocabulary, config.vocabulary);
    const texts = ["A bad café", "cafe", "a bad cafe is not a bad cafe, not a"];
    const rows = texts.flatMap((text) => classifier.piecesOf(classifier.tokenizer.encode(text)));
    const time = Math.max(...rows.map(({ length }) => length));
    const data = new Int32Array(rows.length * time).fill(3);
    rows.forEach((row, i) => data.set(row, i * time));
    const { output } = await (await OnnxModel.load(file)).run({
      input: { shape: [rows.length, time], data },
      lengths: integers(...rows.map(({ length }) => length)),
    });
    const expected = Float32Array.from(classifier.logitsOf(rows).flat());
    const shape = [rows.length, 3];
    assertEqual(output, { shape, data: expected }, name);
  });
}

Deno.test("onnx.checker accepts the exported classifiers", { ignore: !hasOnnxChecker }, async () => {
  assert.equal(files.size, Object.keys(CONFIGS).length);
  await checkOnnx(files);
});

Deno.test("classify export writes ONNX next to the classifier, and says how to read long texts", () =>
  withFolder(async (folder) => {
    const path = `${folder}/classifier.safetensors`;
    await Deno.writeFile(path, new Classifier(CONFIGS["with a bag of terms"]!, new Random(1)).toFile());
    const { code, stdout, stderr } = await runApp("text", folder, ["classify", "export", path]);
    assert.equal(code, 0, stderr);
    assert.ok(
      stdout.startsWith(`Written to ${folder}: classifier.onnx, classifier.onnx.json\n\ninput: token ids, `),
      stdout,
    );
    assert.match(stdout, /a text of n > 3 ids is cut into ⌈n\/3⌉ pieces/);
    const { vocabulary, bag, limit } = JSON.parse(await Deno.readTextFile(`${folder}/classifier.onnx.json`));
    assert.deepEqual([vocabulary, bag, limit], [shared.vocabulary, undefined, { longest: 3, keep: "all" }]);
    const refused = await runApp("text", folder, ["export", path]);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^error: Cannot read \S+: it must be a language model, got "classifier"\n$/);
  }));
