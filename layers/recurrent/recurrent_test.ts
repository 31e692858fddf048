import assert from "node:assert/strict";
import {
  concat,
  full,
  keep,
  matmul,
  noGrad,
  packParameters,
  Parameter,
  Random,
  reshape,
  scope,
  slice,
  sum,
  type Tensor,
  tensor,
  uninitialized,
  zeros,
} from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { constant } from "../initializers.ts";
import type { RecurrentState } from "../layer.ts";
import { GRU } from "./gru.ts";
import { LSTM } from "./lstm.ts";
import type { Recurrent, RecurrentOptions } from "./recurrent.ts";
import { SimpleRNN } from "./simple_rnn.ts";

const makers: [name: string, make: (options: RecurrentOptions) => Recurrent<RecurrentState>][] = [
  ["SimpleRNN", (options) => new SimpleRNN(options)],
  ["LSTM", (options) => new LSTM(options)],
  ["GRU", (options) => new GRU(options)],
  ["GRU, reset before", (options) => new GRU({ ...options, resetAfter: false })],
  ["SimpleRNN, normalized", (options) => new SimpleRNN({ ...options, layerNorm: true })],
  ["LSTM, normalized", (options) => new LSTM({ ...options, layerNorm: true })],
  ["GRU, normalized", (options) => new GRU({ ...options, layerNorm: true })],
];

function draw(random: Random, ...shape: number[]): Tensor {
  return tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()), { shape });
}

for (const [name, make] of makers) {
  Deno.test(`${name}: single steps and two half runs equal one run, in two layers`, () => {
    using _ = scope();
    const random = new Random(3);
    const layer = make({ inputSize: 3, hiddenSize: 6, layers: 2, random });
    const x = draw(random, 2, 7, 3);
    const run = layer.run(x);
    let state = layer.initialState(2);
    for (let t = 0; t < 7; t++) {
      const now = reshape(slice(x, { axis: 1, start: t, end: t + 1 }), [2, 3]);
      const stepped = noGrad(() => layer.step(now, state));
      state = stepped.state;
      assertClose(stepped.output.data, slice(run.output, { axis: 1, start: t, end: t + 1 }).data, { tolerance: 1e-6 });
    }
    for (const [key, value] of Object.entries(state)) {
      assertClose(value.data, run.state[key]!.data, { tolerance: 1e-6 });
    }
    const first = layer.run(slice(x, { axis: 1, end: 4 }));
    const second = layer.run(slice(x, { axis: 1, start: 4 }), { state: first.state });
    assertClose(concat([first.output, second.output], { axis: 1 }).data, run.output.data, { tolerance: 1e-6 });
  });

  Deno.test(`${name}: a padded batch equals each sequence on its own, in two bidirectional layers`, () => {
    using _ = scope();
    const random = new Random(4);
    const layer = make({ inputSize: 3, hiddenSize: 5, layers: 2, bidirectional: true, random });
    const lengths = [4, 7, 1, 0];
    const x = draw(random, 4, 7, 3);
    const { output, state } = layer.run(x, { lengths });
    lengths.forEach((length, row) => {
      const padding = slice(slice(output, { start: row, end: row + 1 }), { axis: 1, start: length });
      assert.ok(padding.data.every((value) => value === 0));
      if (length === 0) return;
      const alone = layer.run(slice(slice(x, { start: row, end: row + 1 }), { axis: 1, end: length }));
      const here = slice(slice(output, { start: row, end: row + 1 }), { axis: 1, end: length });
      assertClose(here.data, alone.output.data, { tolerance: 1e-6, name: `output ${row}` });
      for (const [key, value] of Object.entries(alone.state)) {
        assertClose(slice(state[key]!, { start: row, end: row + 1 }).data, value.data, {
          tolerance: 1e-6,
          name: `${key} ${row}`,
        });
      }
    });
  });

  Deno.test(`${name}: the contents of the padding do not affect output or gradients`, () => {
    using _ = scope();
    const layer = make({ inputSize: 2, hiddenSize: 4, random: new Random(5) });
    const gradients = (padding: number) => {
      const x = draw(new Random(6), 2, 3, 2);
      x.data.fill(padding, 8);
      const output = layer.run(x, { lengths: [3, 1] }).output;
      sum(output).backward();
      const all = Object.values(layer.parameters()).flatMap((parameter) => [...parameter.grad.data]);
      Object.values(layer.parameters()).forEach((parameter) => parameter.zeroGrad());
      return [...output.data, ...all];
    };
    for (const padding of [1e3, NaN]) assert.deepEqual(gradients(0), gradients(padding));
  });

  Deno.test(`${name}: dropout is active only while the tape records, and its seed determines it`, () => {
    using _ = scope();
    const options = { inputSize: 2, hiddenSize: 8, layers: 2, dropout: 0.5, recurrentDropout: 0.5 };
    const plain = make({ inputSize: 2, hiddenSize: 8, layers: 2, random: new Random(7) });
    const x = draw(new Random(8), 2, 4, 2);
    const [a, b] = [make({ ...options, random: new Random(7) }), make({ ...options, random: new Random(7) })];
    assert.deepEqual(noGrad(() => a.forward(x)).data, noGrad(() => plain.forward(x)).data);
    const first = a.forward(x).data.slice();
    assert.notDeepEqual(first, plain.forward(x).data);
    assert.deepEqual(b.forward(x).data, first);
    assert.notDeepEqual(a.forward(x).data, first);
    sum(a.forward(x)).backward();
  });

  Deno.test(`${name}: without biases no parameter is a bias, and zeros give zeros`, () => {
    using _ = scope();
    const layer = make({ inputSize: 2, hiddenSize: 3, bias: false });
    assert.deepEqual(Object.keys(layer.parameters()).filter((name) => /bias/i.test(name)), []);
    assert.ok(layer.forward(zeros([1, 2, 2])).data.every((value) => value === 0));
    sum(layer.forward(draw(new Random(1), 1, 2, 2))).backward();
  });

  Deno.test(`${name}: wrong sizes, inputs, states and lengths are rejected`, () => {
    const kind = name.split(",")[0]!;
    const rejects = (options: Partial<RecurrentOptions>, message: string) =>
      assert.throws(() => make({ inputSize: 3, hiddenSize: 4, ...options }), {
        name: "RangeError",
        message: `Cannot make ${kind}: ${message}`,
      });
    rejects({ inputSize: 0 }, "inputSize must be an integer of 1 or more, got 0");
    rejects({ hiddenSize: 1.5 }, "hiddenSize must be an integer of 1 or more, got 1.5");
    rejects({ layers: 2, dropout: 1 }, "dropout must be at least 0 and below 1, got 1");
    rejects({ recurrentDropout: NaN }, "recurrentDropout must be at least 0 and below 1, got NaN");
    rejects({ dropout: 0.5 }, "layers must be at least 2 for dropout, which acts between layers, got 1");
    const layer = make({ inputSize: 3, hiddenSize: 4 });
    const x = tensor([[[1, 2, 3]]]);
    assert.throws(() => layer.forward(tensor([1, 2, 3])), {
      name: "TypeError",
      message: `Cannot run ${kind}: x must have shape [batch, time, inputSize = 3], got [3]`,
    });
    assert.throws(() => layer.forward(tensor([[[1, 2]]])), /inputSize = 3\], got \[1, 1, 2\]/);
    const tokens = tensor([[[1, 2, 3]]], { dtype: "i32" }) as unknown as Tensor;
    assert.throws(() => layer.forward(tokens), /x must hold floats \(f32\), got i32/);
    assert.throws(() => layer.run(x, { state: layer.initialState(2) }), {
      message: `Cannot run ${kind}: state.hidden must have shape [batch = 1, hiddenSize = 4], got [2, 4]`,
    });
    assert.throws(() => layer.run(x, { state: {} }), { message: /state must have hidden, got/ });
    assert.throws(() => layer.run(x, { lengths: [1, 1] }), {
      message: /lengths must be one for each of 1 sequences, got 2/,
    });
    for (const length of [2, -1, 0.5]) {
      assert.throws(() => layer.run(x, { lengths: [length] }), {
        name: "RangeError",
        message: `Cannot run ${kind}: lengths must be integers from 0 to the 1 time steps, got ${length}`,
      });
    }
    const both = make({ inputSize: 3, hiddenSize: 4, bidirectional: true });
    assert.throws(
      () => both.step(tensor([[1, 2, 3]]), both.initialState(1)),
      /the layer must be unidirectional, got a bidirectional one, which needs the whole sequence$/,
    );
  });
}

Deno.test("LSTM: the forget gate's bias is initialized to 1, the recurrent weights to orthogonal matrices", () => {
  using _ = scope();
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 3, random: new Random(1) });
  assert.deepEqual(lstm.parameters().bias!.toArray(), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  for (let gate = 0; gate < 4; gate++) {
    const w = keep(slice(lstm.recurrentWeight, { axis: 1, start: 3 * gate, end: 3 * gate + 3 }));
    assertClose(matmul(w, w, { transposeB: true }).data, [1, 0, 0, 0, 1, 0, 0, 0, 1], { tolerance: 1e-6 });
  }
});

Deno.test("the parameters of stacked and bidirectional layers have unique names", () => {
  const names = Object.keys(new GRU({ inputSize: 2, hiddenSize: 3, layers: 2, bidirectional: true }).parameters());
  const kinds = ["inputWeight", "recurrentWeight", "bias", "recurrentBias"];
  assert.deepEqual(
    names,
    ["", "reverse.", "layer1.", "layer1.reverse."].flatMap((prefix) => kinds.map((kind) => prefix + kind)),
  );
});

Deno.test("layer normalization has gains for both products, and for the LSTM's cell state", () => {
  const options = { inputSize: 2, hiddenSize: 3, layerNorm: true };
  const shapes = (layer: GRU | LSTM) => Object.entries(layer.parameters()).map(([name, { shape }]) => [name, ...shape]);
  const shared = [["inputWeight", 2, 9], ["recurrentWeight", 3, 9], ["bias", 9], ["recurrentBias", 3]];
  assert.deepEqual(shapes(new GRU(options)), [...shared, ["inputGain", 9], ["recurrentGain", 9]]);
  assert.deepEqual(shapes(new LSTM(options)).slice(-4), [
    ["inputGain", 12],
    ["recurrentGain", 12],
    ["cellGain", 3],
    ["cellBias", 3],
  ]);
  const lstm = new LSTM(options).parameters();
  for (const gain of ["inputGain", "recurrentGain", "cellGain"]) {
    assert.ok(lstm[gain]!.data.every((value) => value === 1));
  }
});

Deno.test("layer normalization is rejected for a single feature", () => {
  assert.throws(() => new LSTM({ inputSize: 2, hiddenSize: 1, layerNorm: true }), {
    name: "RangeError",
    message:
      "Cannot make LSTM: hiddenSize must be at least 2 with layerNorm, since a single value normalizes to 0, got 1",
  });
});

Deno.test("a normalized layer does not depend on the scale of its input", () => {
  using _ = scope();
  const random = new Random(2);
  const layer = new GRU({ inputSize: 4, hiddenSize: 8, layerNorm: true, random });
  const x = draw(random, 3, 5, 4);
  const large = tensor(x.data.map((value) => 1e6 * value), { shape: x.shape });
  assertClose(layer.forward(large).data, layer.forward(x).data, { tolerance: 1e-4 });
});

Deno.test("a NaN gradient is propagated, not flushed to 0", () => {
  using _ = scope();
  for (const [, make] of makers) {
    const layer = make({ inputSize: 2, hiddenSize: 5, random: new Random(1) });
    layer.forward(tensor([[[1, 2]]])).backward(tensor(new Float32Array(5).fill(NaN), { shape: [1, 1, 5] }));
    assert.ok((layer.parameters().bias as Parameter).grad.data.every(Number.isNaN));
  }
});

Deno.test("SimpleRNN: an unknown activation is rejected", () => {
  const activation = "gelu" as "tanh";
  assert.throws(() => new SimpleRNN({ inputSize: 1, hiddenSize: 1, activation }), {
    message: 'Cannot make SimpleRNN: activation must be "tanh" or "relu", got "gelu"',
  });
});

Deno.test("custom initializers are used, and skipped for weights that are about to be loaded", () => {
  const seven = (data: Float32Array) => void data.fill(7);
  const make = () => new LSTM({ inputSize: 1, hiddenSize: 2, inputInitializer: seven, recurrentInitializer: seven });
  assert.deepEqual(new Set([...make().inputWeight.data, ...make().recurrentWeight.data]), new Set([7]));
  const { inputWeight, recurrentWeight } = uninitialized(make);
  assert.deepEqual(new Set([...inputWeight.data, ...recurrentWeight.data]), new Set([0]));
});

Deno.test("changes by the caller between forward and backward do not affect gradients", () => {
  for (const [name, make] of makers) {
    const gradients = (meddle: boolean) => {
      using _ = scope();
      const random = new Random(9);
      const layer = make({ inputSize: 2, hiddenSize: 6, recurrentDropout: 0.3, random });
      const lengths = [4, 2];
      const { output, state } = layer.run(draw(new Random(10), 2, 4, 2), { lengths });
      if (meddle) {
        lengths.fill(1);
        for (const part of Object.values(state)) part.data.fill(7);
        packParameters({ ...layer.parameters(), another: new Parameter([3]) });
        for (let i = 0; i < 20; i++) full([500], 1e6, { persistent: true });
      }
      sum(output).backward();
      return Object.values(layer.parameters()).map((parameter) => [...parameter.grad.data]);
    };
    assert.deepEqual(gradients(true), gradients(false), name);
  }
});

Deno.test("the cells' tanh has a relative error below 4e-7, never exceeds 1, and keeps NaN", () => {
  using _ = scope();
  const layer = new SimpleRNN({ inputSize: 1, hiddenSize: 4, inputInitializer: constant(1), bias: false });
  const xs = Float32Array.from({ length: 40_001 }, (_, i) => (i - 20_000) / 2000 * (i % 2 === 0 ? 1 : 0.05));
  const { data } = layer.forward(
    tensor(Float32Array.of(...xs, Infinity, -1e30, NaN), { shape: [xs.length + 3, 1, 1] }),
  );
  xs.forEach((x, i) => {
    const [y, expected] = [data[4 * i]!, Math.tanh(x)];
    assert.ok(Math.abs(y) <= 1 && Math.abs(y - expected) <= 4e-7 * Math.abs(expected), `${y}, expected ${expected}`);
  });
  const [top, bottom, nan] = [0, 4, 8].map((i) => data[4 * xs.length + i]!);
  assert.ok(top === -bottom! && top! <= 1 && top! > 1 - 4e-7);
  assert.ok(Number.isNaN(nan));
});
