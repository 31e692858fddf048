import assert from "node:assert/strict";
import { Random, scope, softmax, tensor } from "@unfold/core";
import { checkOnnx, hasOnnxChecker, OnnxModel } from "../../tools/onnx.ts";
import { assertEqual, forward, integers, type Numbers, stir, withFolder } from "../../tools/testing.ts";
import { runApp } from "../shared/_run_app.ts";
import { CELLS } from "../shared/choices.ts";
import { Classifier } from "./classifier.ts";
import { exportClassifier, exportLanguageModel } from "./export.ts";
import { Reader } from "./generate.ts";
import { LanguageModel } from "./language_model.ts";

const files = new Map<string, Uint8Array>();
const stack = { tokens: "char", vocabulary: [..."abcdefgh \nß🐋"], hidden: 24, layers: 2, dropout: 0.5 } as const;

for (const cell of CELLS) {
  for (const tied of [false, true]) {
    const name = `${cell} language model${tied ? ", tied" : ""}`;
    Deno.test(`${name}: the ONNX model gives the same logits, for a whole text and token by token`, async () => {
      const random = new Random(1);
      const model = new LanguageModel({ ...stack, cell, tied, embedding: tied ? 24 : 6 }, random);
      stir(model.network, random);
      const { file, about } = exportLanguageModel(model);
      assert.deepEqual(JSON.parse(JSON.stringify(about)).vocabulary, stack.vocabulary);
      files.set(name, file);
      const onnx = await OnnxModel.load(file);
      const tokens = model.tokenizer.encode("a bad cafe 🐋\n");
      let state: Record<string, Numbers> = Object.fromEntries(
        onnx.inputs.filter((input) => input.startsWith("state.")).map((input) => {
          return [input, { shape: [1, 48], data: new Float32Array(48) }];
        }),
      );
      const input = { shape: [1, tokens.length], data: Int32Array.from(tokens) };
      assertEqual((await onnx.run({ input, ...state })).output, forward(model.network, input), "whole");
      using reader = new Reader(model, 1);
      for (const token of tokens) {
        const { output, ...next } = await onnx.run({ input: { shape: [1, 1], data: Int32Array.of(token) }, ...state });
        assertEqual(output, { shape: [1, 1, 12], data: reader.read(Int32Array.of(token)) }, "token by token");
        state = Object.fromEntries(Object.entries(next).map(([name, value]) => [name.replace("next", "state"), value]));
      }
    });
  }

  for (const bidirectional of [false, true]) {
    const name = `${cell} classifier${bidirectional ? ", bidirectional" : ""}`;
    Deno.test(`${name}: the ONNX model gives the same probabilities for texts of different lengths`, async () => {
      const random = new Random(1);
      const config = { ...stack, cell, bidirectional, embedding: 6, longest: 12, classes: ["x", "y", "z"] };
      const classifier = new Classifier(config, random);
      stir(classifier.network, random);
      const { file } = exportClassifier(classifier);
      files.set(name, file);
      const texts = ["a bad cafe", "b", "a text that is longer than what is read".replaceAll(/[^a-h ]/g, "a")];
      const rows = texts.map((text) => classifier.tokensOf(text));
      const time = Math.max(...rows.map(({ length }) => length));
      const data = new Int32Array(rows.length * time).fill(3);
      rows.forEach((row, i) => data.set(row, i * time));
      const { output } = await (await OnnxModel.load(file)).run({
        input: { shape: [rows.length, time], data },
        lengths: integers(...rows.map(({ length }) => length)),
      });
      using _ = scope();
      const probabilities = softmax(tensor([...output!.data], { shape: output!.shape })).data;
      const expected = Float32Array.from(classifier.predict(texts).flatMap((prediction) => prediction.probabilities));
      assertEqual({ shape: [3, 3], data: probabilities.slice() }, { shape: [3, 3], data: expected }, name);
    });
  }
}

Deno.test("onnx.checker accepts the exported models", { ignore: !hasOnnxChecker }, async () => {
  assert.equal(files.size, 16);
  await checkOnnx(files);
});

Deno.test("export and classify export write ONNX next to the model, and refuse the other kind of model", () =>
  withFolder(async (folder) => {
    const random = new Random(1);
    const language = new LanguageModel({ ...stack, cell: "gru", tied: false, embedding: 6 }, random);
    const config = {
      ...stack,
      cell: "gru",
      bidirectional: true,
      embedding: 6,
      longest: 12,
      classes: ["x", "y"],
    } as const;
    const [model, classifier] = [`${folder}/model.safetensors`, `${folder}/classifier.safetensors`];
    await Deno.writeFile(model, language.toFile());
    await Deno.writeFile(classifier, new Classifier(config, random).toFile());
    for (
      const [args, expected] of [[["export", model], "model"], [
        ["classify", "export", classifier],
        "classifier",
      ]] as const
    ) {
      const { code, stdout, stderr } = await runApp("text", folder, args);
      assert.equal(code, 0, stderr);
      assert.ok(
        stdout.startsWith(`Written to ${folder}: ${expected}.onnx, ${expected}.onnx.json\n\ninput: token ids, `),
        stdout,
      );
      const about = JSON.parse(await Deno.readTextFile(`${folder}/${expected}.onnx.json`));
      assert.deepEqual(about.vocabulary, stack.vocabulary);
    }
    for (const args of [["export", classifier], ["classify", "export", model]]) {
      const { code, stdout, stderr } = await runApp("text", folder, args);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        /^error: Cannot read \S+: it must be a (language|classifier) model, got "(classifier|language)"\n$/,
      );
    }
  }));
