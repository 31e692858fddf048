import { type NamedParameters, Parameter, Random, type SafetensorsInput, type Tensor } from "@unfold/core";
import { Dense, Embedding, GRU, type Layer, LSTM, Sequential, TiedDense } from "@unfold/layers";
import { fromKeras, fromPyTorch, type LayerInterchange, toKeras, toPyTorch } from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { assertThrowsPrintable, HOSTILE } from "../../../tools/testing.ts";

const random = new Random(1);

/** A layer with another one inside and an extra parameter. */
class ScaledGru implements Layer {
  readonly gru = new GRU({ inputSize: 1, hiddenSize: 1, random });
  readonly scale = new Parameter([2]);
  parameters = (): NamedParameters => ({ ...this.gru.parameters(), scale: this.scale });
  forward = (x: Tensor) => this.gru.forward(x);
}

const partial: LayerInterchange<ScaledGru> = { of: ScaledGru, inner: ({ gru }) => [["", gru]] };

/** An entry whose pytorch hook maps only the scale. */
function scaleAs(module: Partial<ReturnType<NonNullable<LayerInterchange["pytorch"]>> & object>) {
  const whole = {
    shapes: { s: [2] },
    read: ({ s }: Record<string, Float32Array<ArrayBuffer>>) => ({ scale: s! }),
    write: ({ scale }: Record<string, Float32Array<ArrayBuffer>>) => ({ s: scale! }),
    ...module,
  };
  return [{ of: ScaledGru, pytorch: () => whole } as LayerInterchange];
}

function floats(...values: number[]): SafetensorsInput {
  return { shape: [values.length], data: Float32Array.from(values) };
}

Deno.test("parameters that belong to no module are listed, in both directions", () => {
  const model = new Sequential([new ScaledGru()]);
  const layers = [partial];
  const message = (direction: string) => `Cannot map weights ${direction} PyTorch: 0.scale belongs to no module`;
  assert.throws(() => toPyTorch(model, { layers }), { name: "TypeError", message: message("to") });
  const gru = toPyTorch(new Sequential([new GRU({ inputSize: 1, hiddenSize: 1 })]));
  assert.throws(() => fromPyTorch(model, gru, { layers }), { name: "TypeError", message: message("from") });

  const others = Object.keys(model.layers[0]!.parameters()).filter((name) => name !== "scale")
    .map((name) => `0.${name} belongs to no module`).join("; ");
  const hook = { layers: scaleAs({}) };
  assert.throws(() => toPyTorch(model, hook), { message: `Cannot map weights to PyTorch: ${others}` });
  assert.throws(() => fromPyTorch(model, new Map([["0.s", floats(1, 2)]]), hook), {
    message: `Cannot map weights from PyTorch: ${others}`,
  });
});

Deno.test("a hook that returns something else than it declares is rejected", () => {
  const layer = new ScaledGru();
  const two = new Float32Array(2);
  const written: [made: object, message: RegExp][] = [
    [{}, /: s must be F32, got nothing$/],
    [{ s: new Float32Array(3) }, /: s must have 2 elements, got 3$/],
    [{ s: two, t: two }, /: t has no declared shape$/],
  ];
  for (const [made, message] of written) {
    const layers = scaleAs({ write: () => made } as object);
    assert.throws(() => toPyTorch(layer, { layers }), message);
  }
  const read: [made: object, message: RegExp][] = [
    [{ scale: new Float32Array(1) }, /: scale must have 2 elements, got 1; /],
    [{ scale: two, size: two }, /: size is not a parameter of the model; /],
  ];
  for (const [made, message] of read) {
    const layers = scaleAs({ read: () => made } as object);
    assert.throws(() => fromPyTorch(layer, new Map([["s", floats(1, 2)]]), { layers }), message);
  }
});

Deno.test("no name of a file reaches a message with control characters or at any length", () => {
  const model = new Sequential([new Dense({ inputSize: 1, outputSize: 1, random })]);
  const strays = Array.from({ length: 1000 }, (_, i) => [`${i}.${HOSTILE.slice(0, 9)}`, floats(1)] as const);
  const of = (shape: number[], dtype?: string) => ({ shape, data: new Float64Array(1), dtype }) as SafetensorsInput;
  for (const convert of [fromPyTorch, fromKeras]) {
    assertThrowsPrintable(() => convert(model, new Map([[HOSTILE, floats(1)]])));
    assertThrowsPrintable(() => convert(model, new Map([["weight", of([1], HOSTILE)], ["bias", floats(1)]])));
    assertThrowsPrintable(() => convert(model, new Map(), { modules: [HOSTILE, HOSTILE] }));
    assertThrowsPrintable(() => convert(model, new Map(), { modules: HOSTILE as never }));
    assert.throws(() => convert(model, new Map(strays)), /; and 9\d\d more$/);
  }
  assertThrowsPrintable(() => fromPyTorch(model, new Map([["0.weight", { ...floats(1), shape: Array(1e5).fill(1) }]])));
});

Deno.test("names of modules have no trailing separator and are unique", () => {
  const dense = () => new Dense({ inputSize: 1, outputSize: 1, random });
  const model = new Sequential([dense(), dense()]);
  const rejected: [modules: unknown, name: string, problem: string][] = [
    [["a", "a"], "RangeError", "modules must give every tensor a unique name, got a.weight, a.bias twice"],
    [["a", "b."], "RangeError", 'modules must be names without a trailing ".", got "b."'],
    ["ab", "TypeError", 'modules must be an array of names, got "ab"'],
    [["a", 1], "TypeError", 'modules must be an array of names, got ["a",1]'],
  ];
  for (const [modules, name, problem] of rejected) {
    const options = { modules: modules as string[] };
    assert.throws(() => toPyTorch(model, options), { name, message: `Cannot map weights to PyTorch: ${problem}` });
    assert.throws(() => fromPyTorch(model, new Map(), options), {
      name,
      message: `Cannot map weights from PyTorch: ${problem}`,
    });
  }
  assert.throws(
    () => toKeras(model, { modules: ["a", "b/"] }),
    /modules must be names without a trailing "\/", got "b\/"$/,
  );
  // An empty name adds no prefix.
  assert.equal(
    toPyTorch(new Sequential([dense(), new LSTM({ inputSize: 1, hiddenSize: 1 })]), { modules: ["", ""] }).size,
    6,
  );
});

Deno.test("a layer that is in a model twice needs the same weights twice", () => {
  const shared = new Dense({ inputSize: 1, outputSize: 1, random });
  const model = new Sequential([shared, shared]);
  const tensors = toPyTorch(model);
  assert.deepEqual([...tensors.keys()], ["0.weight", "0.bias", "1.weight", "1.bias"]);
  const mapped = fromPyTorch(model, tensors);
  assert.deepEqual([...mapped.keys()], Object.keys(model.parameters()));
  assert.deepEqual(mapped.get("0.weight")!.data, shared.weight.data);
  tensors.set("1.weight", { shape: [1, 1], data: Float32Array.of(7) });
  assert.throws(() => fromPyTorch(model, tensors), {
    name: "TypeError",
    message: "Cannot map weights from PyTorch: 0.weight and 1.weight are the same parameter and must be equal",
  });
});

Deno.test("a TiedDense takes the weights of the embedding, in PyTorch's layout and in Keras's", () => {
  const embedding = new Embedding({ vocabularySize: 3, outputSize: 2, random });
  const model = new Sequential([embedding, new TiedDense({ embedding })]);
  const tensors = toPyTorch(model);
  assert.deepEqual(tensors.get("1.weight"), { shape: [3, 2], data: embedding.weight.data.slice() });
  assert.deepEqual([...fromPyTorch(model, tensors).keys()], ["0.weight", "1.bias"]);
  const keras = toKeras(model);
  assert.deepEqual(keras.get("layers/dense/vars/0")!.shape, [2, 3]);
  assert.deepEqual(fromKeras(model, keras).get("0.weight")!.data, embedding.weight.data);
});

Deno.test("tensors that a reader could not read are reported by name", () => {
  const dense = new Dense({ inputSize: 1, outputSize: 2, random });
  const tensors = new Map<string, unknown>([
    ["layers/dense/vars/0", { shape: [1, 2], data: null }],
    ["layers/dense/vars/1", { shape: null, data: new Float32Array(2) }],
  ]);
  assert.throws(() => fromKeras(dense, tensors as Map<string, SafetensorsInput>), {
    name: "TypeError",
    message: "Cannot map weights from Keras: layers/dense/vars/0 must be F32, got nothing; " +
      "layers/dense/vars/1 must have shape [2], got null",
  });
});

Deno.test("mapped tensors are copies, in both directions", () => {
  const dense = new Dense({ inputSize: 1, outputSize: 2, random });
  const before = dense.bias!.data.slice();
  const tensors = toPyTorch(dense);
  (tensors.get("bias")!.data as Float32Array).fill(7);
  assert.deepEqual(dense.bias!.data, before);
  (fromPyTorch(dense, tensors).get("bias")!.data as Float32Array).fill(8);
  assert.deepEqual(tensors.get("bias")!.data, Float32Array.of(7, 7));
});

Deno.test("a custom entry takes precedence over a built-in one", () => {
  const mine: LayerInterchange<Dense> = {
    of: Dense,
    pytorch: () => "mine cannot",
    keras: () => "mine cannot either",
  };
  const options = { layers: [mine] };
  const dense = new Dense({ inputSize: 1, outputSize: 1 });
  assert.throws(() => toPyTorch(dense, options), /: Dense cannot be mapped: mine cannot$/);
  assert.throws(() => fromKeras(dense, new Map(), options), /: Dense cannot be mapped: mine cannot either$/);
});
