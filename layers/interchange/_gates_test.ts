import { GRU, LSTM } from "@unfold/layers";
import assert from "node:assert/strict";
import { reorderGates, transposed, twoBiases } from "./_gates.ts";

Deno.test("reorderGates: each gate of the result comes from the gate that the order names", () => {
  const data = Float32Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);
  const reordered = reorderGates(data, { hidden: 2, order: [1, 0, 2] });
  assert.deepEqual([...reordered], [3, 4, 1, 2, 5, 6, 30, 40, 10, 20, 50, 60]);
});

Deno.test("transposed: rows become columns", () => {
  assert.deepEqual([...transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 3)], [1, 4, 2, 5, 3, 6]);
});

Deno.test("twoBiases: two biases of an LSTM are added, and ours is written as the first", () => {
  const [part] = new LSTM({ inputSize: 1, hiddenSize: 1 }).parts;
  const biases = twoBiases(part!, [0, 1, 2, 3]);
  assert.deepEqual(biases.read(Float32Array.of(1, 2, 3, 4), Float32Array.of(10, 20, 30, 40)), {
    bias: Float32Array.of(11, 22, 33, 44),
  });
  const ours = { bias: Float32Array.of(1, 2, 3, 4) };
  assert.deepEqual(biases.write(ours), [ours.bias, new Float32Array(4)]);
});

Deno.test("twoBiases: the biases of a GRU candidate stay separate", () => {
  const [part] = new GRU({ inputSize: 1, hiddenSize: 1 }).parts;
  const biases = twoBiases(part!, [1, 0, 2]);
  const ours = biases.read(Float32Array.of(1, 2, 3), Float32Array.of(10, 20, 30));
  assert.deepEqual(ours, { bias: Float32Array.of(22, 11, 3), recurrentBias: Float32Array.of(30) });
  assert.deepEqual(biases.write(ours), [Float32Array.of(11, 22, 3), Float32Array.of(0, 0, 30)]);
});
