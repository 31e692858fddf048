import { Random } from "@unfold/core";
import { Dense, Dropout, Embedding, LastStep, LSTM, Sequential } from "@unfold/layers";
import { type LayerInterchange, toOnnx } from "@unfold/layers/interchange";
import assert from "node:assert/strict";

const random = new Random(1);

Deno.test("layers whose shapes do not match are rejected with their position and the shapes", () => {
  const model = new Sequential([
    new LSTM({ inputSize: 3, hiddenSize: 4, random }),
    new Sequential([new Dropout({ rate: 0.1 }), new Dense({ inputSize: 5, outputSize: 1, random })]),
  ]);
  assert.throws(() => toOnnx(model), {
    name: "TypeError",
    message: "Cannot export 1.1 Dense: its input must have shape [..., 5], got [batch, time, 4]",
  });
  assert.throws(() => toOnnx(model, { inputShape: ["batch", 3] }), {
    message: "Cannot export 0 LSTM: its input must have shape [batch, time, 3], got [batch, 3]",
  });
  const flat = new Sequential([new Dense({ inputSize: 2, outputSize: 2, random }), new LastStep()]);
  assert.throws(
    () => toOnnx(flat),
    /1 LastStep: its input must have shape \[batch, time, features\], got \[batch, 2\]$/,
  );
});

Deno.test("tokens and floats are distinguished", () => {
  const embedding = new Embedding({ vocabularySize: 3, outputSize: 2, random });
  assert.throws(() => toOnnx(new Sequential([embedding, embedding])), {
    message: "Cannot export 1 Embedding: its input must hold i32, got f32",
  });
  const dense = new Dense({ inputSize: 3, outputSize: 2, random });
  assert.throws(
    () => toOnnx(dense, { dtype: "i32" }),
    /^TypeError: Cannot export Dense: its input must hold f32, got i32$/,
  );
});

Deno.test("the input shape must be given if the first layer does not determine it, and must be valid", () => {
  const dropout = new Dropout({ rate: 0.1 });
  assert.throws(() => toOnnx(new Sequential([dropout])), {
    name: "TypeError",
    message: "Cannot export: inputShape must be given, since the first layer does not determine it",
  });
  for (const inputShape of [[], ["batch", 0], ["batch", 1.5], ["", 2], ["batch", -1], ["batch", NaN], ["...", 3]]) {
    assert.throws(
      () => toOnnx(dropout, { inputShape }),
      /^RangeError: Cannot export: inputShape must consist of names and/,
    );
  }
});

Deno.test("the element type of the input and the metadata are checked", () => {
  const dense = new Dense({ inputSize: 3, outputSize: 2, random });
  assert.throws(() => toOnnx(dense, { dtype: "f16" as "f32" }), {
    name: "RangeError",
    message: 'Cannot export: dtype must be "f32" or "i32", got "f16"',
  });
  assert.throws(() => toOnnx(dense, { metadata: { a: 1 as unknown as string } }), {
    name: "TypeError",
    message: "Cannot export: metadata values must be strings, got 1 for a",
  });
});

Deno.test("metadata is stored byte for byte: key, then text", () => {
  const dense = new Dense({ inputSize: 3, outputSize: 2, random });
  const bytes = (...parts: (string | number)[]) =>
    parts.flatMap((part) => typeof part === "number" ? [part] : [...new TextEncoder().encode(part)]);
  // Field 14 of the model, once per entry: a message with fields 1 and 2, each a key, a length and the bytes.
  const expected = bytes(0x72, 14, 0x0a, 4, "task", 0x12, 6, "größ", 0x72, 9, 0x0a, 1, "b", 0x12, 4, "🐋");
  const file = toOnnx(dense, { metadata: { task: "größ", b: "🐋" } });
  assert.deepEqual([...file.slice(-expected.length)], expected);
  assert.deepEqual([...file.slice(0, -expected.length)], [...toOnnx(dense)]);
});

Deno.test("output names must be unique", () => {
  const twice: LayerInterchange<Dropout> = {
    of: Dropout,
    onnx(_, x, graph) {
      graph.output("y", x);
      graph.output("y", x);
      return x;
    },
  };
  assert.throws(() => toOnnx(new Dropout({ rate: 0.1 }), { inputShape: ["batch"], layers: [twice] }), {
    name: "TypeError",
    message: "Cannot export: names must be unique, got y twice",
  });
});

Deno.test("the same model gives the same file, and the export does not change it", () => {
  const model = new LSTM({ inputSize: 3, hiddenSize: 4, random });
  const before = model.inputWeight.data.slice();
  assert.deepEqual(toOnnx(model), toOnnx(model));
  assert.deepEqual(model.inputWeight.data, before);
});
