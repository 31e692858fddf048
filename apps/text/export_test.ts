import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { checkOnnx, hasOnnxChecker, OnnxModel } from "../../tools/onnx.ts";
import { assertEqual, forward, type Numbers, stir, withFolder } from "../../tools/testing.ts";
import { runApp } from "../shared/_run_app.ts";
import { CELLS } from "../shared/choices.ts";
import { exportLanguageModel } from "./export.ts";
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
}

Deno.test("onnx.checker accepts the exported models", { ignore: !hasOnnxChecker }, async () => {
  assert.equal(files.size, 8);
  await checkOnnx(files);
});

Deno.test("export writes ONNX next to the model, and refuses another kind of model", () =>
  withFolder(async (folder) => {
    const random = new Random(1);
    const path = `${folder}/model.safetensors`;
    const config = { ...stack, cell: "gru", tied: false, embedding: 6 } as const;
    await Deno.writeFile(path, new LanguageModel(config, random).toFile());
    const { code, stdout, stderr } = await runApp("text", folder, ["export", path]);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.startsWith(`Written to ${folder}: model.onnx, model.onnx.json\n\ninput: token ids, `), stdout);
    const about = JSON.parse(await Deno.readTextFile(`${folder}/model.onnx.json`));
    assert.deepEqual(about.vocabulary, stack.vocabulary);
    const refused = await runApp("text", folder, ["classify", "export", path]);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^error: Cannot read \S+: it must be a classifier model, got "language"\n$/);
  }));
