import assert from "node:assert/strict";
import { noGrad, Random, scope, tensor } from "@unfold/core";
import { Dropout } from "./dropout.ts";

Deno.test("Dropout is active while the tape is on, also on data that needs no gradient", () => {
  using _ = scope();
  const layer = new Dropout({ rate: 0.5, random: new Random(1) });
  const x = tensor(new Float32Array(1000).fill(1), { requiresGrad: true });
  const y = layer.forward(x);
  assert.deepEqual(new Set(y.data), new Set([0, 2]));
  const data = tensor(new Float32Array(1000).fill(1));
  assert.deepEqual(new Set(layer.forward(data).data), new Set([0, 2]));
  assert.equal(noGrad(() => layer.forward(data)), data);
  assert.throws(() => new Dropout({ rate: 1 }), /rate must be at least 0 and below 1, got 1/);
});
