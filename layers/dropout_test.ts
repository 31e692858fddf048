import assert from "node:assert/strict";
import { Random, scope, tensor } from "@unfold/core";
import { Dropout } from "./dropout.ts";

Deno.test("Dropout is active only while the tape records", () => {
  using _ = scope();
  const layer = new Dropout({ rate: 0.5, random: new Random(1) });
  const x = tensor(new Float32Array(1000).fill(1), { requiresGrad: true });
  const y = layer.forward(x);
  assert.deepEqual(new Set(y.data), new Set([0, 2]));
  assert.equal(layer.forward(tensor([1])).item(), 1);
  assert.throws(() => new Dropout({ rate: 1 }), /rate must be at least 0 and below 1, got 1/);
});
