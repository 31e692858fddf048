import assert from "node:assert/strict";
import { Random, scope, type Tensor, tensor } from "@unfold/core";
import { Embedding } from "./embedding.ts";

Deno.test("Embedding: looks up rows by token; padding gets no gradient and stays 0", () => {
  using _ = scope();
  const layer = new Embedding({ vocabularySize: 4, outputSize: 2, paddingIndex: 1, random: new Random(1) });
  const y = layer.forward(tensor([[3, 1], [3, 0]], { dtype: "i32" }));
  const rows = layer.weight.toArray() as number[][];
  assert.deepEqual(y.toArray(), [[rows[3], [0, 0]], [rows[3], rows[0]]]);
  y.backward(tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]));
  assert.deepEqual(layer.weight.grad.toArray(), [[7, 8], [0, 0], [0, 0], [6, 8]]);
  assert.throws(() => layer.forward(tensor([4], { dtype: "i32" })), /indices must be rows from 0 to 3, got 4/);
  assert.throws(() => layer.forward(tensor([1]) as unknown as Tensor<"i32">), /x must hold integers \(i32\), got f32/);
  assert.throws(
    () => new Embedding({ vocabularySize: 4, outputSize: 2, paddingIndex: 4 }),
    /paddingIndex must be from 0 to 3, got 4/,
  );
});
