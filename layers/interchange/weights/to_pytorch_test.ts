import { decodeSafetensors, encodeSafetensors, Random } from "@unfold/core";
import { CarriedState, Dropout, GRU, LayerNorm, LSTM, Sequential } from "@unfold/layers";
import { fromPyTorch, toPyTorch } from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { assertEqual, draw, forward, type Numbers, pythonWith, stir, withFolder } from "../../../tools/testing.ts";
import { pytorchModels } from "./_pytorch_models_test.ts";

const random = new Random(1);

Deno.test("weights go to PyTorch and come back as they were", () => {
  for (const options of [{}, { bias: false }, { layers: 2, bidirectional: true }]) {
    for (const Layer of [LSTM, GRU]) {
      const layer = stir(new Layer({ inputSize: 3, hiddenSize: 4, random, ...options }), random);
      const back = fromPyTorch(layer, toPyTorch(layer, { modules: ["x"] }), { modules: ["x"] });
      for (const [name, { shape, data }] of Object.entries(layer.parameters())) {
        assert.deepEqual(back.get(name), { shape, data }, name);
      }
    }
  }
});

Deno.test("layers without a counterpart are refused by name", () => {
  assert.throws(() => toPyTorch(new GRU({ inputSize: 1, hiddenSize: 2, resetAfter: false })), {
    name: "TypeError",
    message: "Cannot map weights to PyTorch: GRU cannot be mapped: PyTorch resets after the recurrent product alone",
  });
});

Deno.test("of a CarriedState, and of a Sequential in another, the layers inside are mapped", () => {
  const carried = new CarriedState(new LSTM({ inputSize: 3, hiddenSize: 4, random }));
  const model = new Sequential([new Sequential([carried, new Dropout({ rate: 0.5 })]), new LayerNorm({ size: 4 })]);
  const tensors = toPyTorch(model);
  assert.deepEqual([...tensors.keys()], [
    "0.0.weight_ih_l0",
    "0.0.weight_hh_l0",
    "0.0.bias_ih_l0",
    "0.0.bias_hh_l0",
    "1.weight",
    "1.bias",
  ]);
  assert.deepEqual(Object.keys(model.parameters()), [...fromPyTorch(model, tensors).keys()]);
});

const python = pythonWith("torch");

Deno.test(
  "PyTorch with our weights gives our output",
  { ignore: python === undefined },
  () =>
    withFolder(async (folder) => {
      const models = pytorchModels().map((one) => {
        stir(one.model, random);
        return { ...one, x: one.name === "a model" ? one.x : draw(random, one.x.shape) };
      });
      const tensors = models.flatMap(({ model, modules, x }, index) => [
        [`${index}.x`, x] as const,
        ...[...toPyTorch(model, { modules })].map(([name, tensor]) => [`${index}.weights.${name}`, tensor] as const),
      ]);
      const [ours, theirs] = [`${folder}/ours.safetensors`, `${folder}/theirs.safetensors`];
      Deno.writeFileSync(ours, encodeSafetensors(tensors));
      const args = ["tools/goldens/interchange.py", ours, theirs];
      const { success, stderr } = new Deno.Command(python!, { args }).outputSync();
      assert.ok(success, new TextDecoder().decode(stderr));
      const results = decodeSafetensors(await Deno.readFile(theirs)).tensors;
      models.forEach(({ name, model, x }, index) => {
        assertEqual(results.get(`${index}.output`) as Numbers, forward(model, x), name);
      });
    }),
);
