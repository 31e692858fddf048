import { scope, tensor } from "@unfold/core";
import { GRU, type Layer, LayerNorm, LSTM, meanSquaredError, SimpleRNN } from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import assert from "node:assert/strict";

Deno.test("a saturated SimpleRNN has a gradient of exactly 0, so that Adam leaves its weights alone", () => {
  const rnn = new SimpleRNN({ inputSize: 1, hiddenSize: 1 });
  for (const [name, { data }] of Object.entries(rnn.parameters())) data.fill(name.includes("bias") ? 0 : 1);
  const optimizer = new Optimizer(rnn.parameters(), [adam()], { learningRate: 0.01 });
  for (let step = 0; step < 50; step++) {
    using _ = scope();
    const output = rnn.forward(tensor([[[10], [-10], [10]]]));
    meanSquaredError(output, tensor([[[0], [0], [0]]])).backward();
    optimizer.step();
  }
  for (const [name, { data }] of Object.entries(rnn.parameters())) {
    assert.deepEqual([...data], [name.includes("bias") ? 0 : 1], name);
  }
});

Deno.test("saturated cells are exactly ±1, and 0 or 1 in their gates", () => {
  const last = (layer: Layer) => {
    for (const [name, { data }] of Object.entries(layer.parameters())) data.fill(name.includes("bias") ? 0 : 1);
    return layer.forward(tensor([[[100]]])).item();
  };
  assert.equal(last(new SimpleRNN({ inputSize: 1, hiddenSize: 1 })), 1);
  // One step of an LSTM: o·tanh(i·g) with i = g = o = 1.
  assert.ok(Math.abs(last(new LSTM({ inputSize: 1, hiddenSize: 1 })) - Math.tanh(1)) < 4e-7);
  // One step of a GRU: (1 − z)·n with z = n = 1.
  assert.equal(last(new GRU({ inputSize: 1, hiddenSize: 1 })), 0);
});

Deno.test("LayerNorm of a constant row is 0, however large the constant", () => {
  const norm = new LayerNorm({ size: 300 });
  for (const value of [0.1, 12345.678, 1e6 + 0.1, 16_777_217, 3e7 + 3, 1e30]) {
    using _ = scope();
    const row = norm.forward(tensor(new Float32Array(300).fill(value), { shape: [1, 300] }));
    assert.ok(row.data.every((one) => one === 0), `${value}: ${row.data[0]}`);
  }
});
