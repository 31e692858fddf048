import {
  memoryStats,
  noGrad,
  Random,
  type SafetensorsInput,
  scope,
  slice,
  sum,
  type Tensor,
  tensor,
  zeros,
} from "@unfold/core";
import assert from "node:assert/strict";
import { CarriedState } from "./carried_state.ts";
import { Dense } from "../dense.ts";
import { GRU } from "./gru.ts";
import { LSTM } from "./lstm.ts";
import { Sequential } from "../sequential.ts";

function draw(random: Random, ...shape: number[]): Tensor {
  return tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()), { shape });
}

Deno.test("CarriedState: chunks give the output of the whole sequence, with evaluations in between", () => {
  using _ = scope();
  for (const make of [GRU, LSTM]) {
    const random = new Random(1);
    const layer = new make({ inputSize: 3, hiddenSize: 5, layers: 2, random });
    const carried = new CarriedState(layer);
    const model = new Sequential([carried]);
    const x = draw(random, 2, 9, 3);
    const whole = layer.forward(x).data;
    const chunks = [0, 4, 6].map((start, i) => {
      const chunk = slice(x, { axis: 1, start, end: [4, 6, 9][i]! });
      noGrad(() => model.forward(draw(random, 7, 2, 3)));
      return model.forward(chunk);
    });
    const rows = [0, 1].flatMap((row) =>
      chunks.flatMap((chunk) => [...slice(chunk, { start: row, end: row + 1 }).data])
    );
    rows.forEach((value, i) => assert.ok(Math.abs(value - whole[i]!) < 1e-6));
    noGrad(() => model.reset());
    assert.throws(
      () => model.forward(draw(random, 7, 2, 3)),
      /batch size of the carried state, 2, got 7; call reset\(\)/,
    );
    model.reset();
    assert.deepEqual(model.forward(x).data, whole);
  }
});

Deno.test("CarriedState: no gradient flows into the chunk before", () => {
  using _ = scope();
  const carried = new CarriedState(new GRU({ inputSize: 1, hiddenSize: 3, random: new Random(1) }));
  const first = tensor([[[1], [2]]], { requiresGrad: true });
  carried.forward(first);
  sum(carried.forward(tensor([[[3]]]))).backward();
  assert.equal(first.grad, undefined);
});

Deno.test("CarriedState: its state is saved and restored, and a mismatched state is rejected", () => {
  using _ = scope();
  const random = new Random(1);
  const lstm = new LSTM({ inputSize: 1, hiddenSize: 3, random });
  const [a, b] = [new CarriedState(lstm), new CarriedState(lstm)];
  assert.equal(a.state().size, 0);
  a.forward(draw(random, 2, 4, 1));
  const state = a.state();
  assert.deepEqual([...state].map(([name, { shape }]) => [name, ...shape]), [["hidden", 2, 3], ["cell", 2, 3]]);
  b.load(state);
  const next = draw(random, 2, 4, 1);
  assert.deepEqual(b.forward(next).data, a.forward(next).data);
  for (const bad of [new Map([["hidden", state.get("hidden")!]]), new Map([...state, ["other", state.get("cell")!]])]) {
    assert.throws(() => b.load(bad), {
      name: "TypeError",
      message: /^Cannot load a carried state: it must be hidden \[batch, 3\], cell/,
    });
  }
  const { hidden, cell } = Object.fromEntries(state) as Record<"hidden" | "cell", SafetensorsInput>;
  const spoilt = (value: number) => ({ ...cell, data: (cell.data as Float32Array<ArrayBuffer>).with(1, value) });
  // What a file says of the number of sequences takes no memory.
  const flat = { shape: [1e9, 0], data: new Float32Array() };
  const scalar = { shape: [], data: new Float32Array(1) };
  const wide = { shape: [3, 3], data: new Float32Array(9) };
  const exact = { ...cell, data: Float64Array.from(cell.data as Float32Array) };
  for (const entry of [spoilt(NaN), spoilt(-Infinity), flat, scalar, wide, exact]) {
    for (const bad of [new Map([["hidden", hidden], ["cell", entry]]), new Map([["hidden", entry], ["cell", entry]])]) {
      if (entry === wide && bad.get("hidden") === wide) continue;
      assert.throws(
        () => b.load(bad),
        /^TypeError: Cannot load a carried state: it must be .*, all finite, got hidden/,
      );
    }
  }
  const narrow = new CarriedState(new LSTM({ inputSize: 1, hiddenSize: 2 }));
  assert.throws(() => narrow.load(state), /got hidden \[2, 3\], cell \[2, 3\]/);
  b.load(new Map());
  assert.deepEqual(b.forward(next).data, lstm.forward(next).data);
});

Deno.test("CarriedState: memory stays constant", () => {
  const carried = new CarriedState(new LSTM({ inputSize: 2, hiddenSize: 3, random: new Random(1) }));
  const step = () => {
    using _ = scope();
    sum(carried.forward(zeros([2, 5, 2]))).backward();
    noGrad(() => carried.forward(zeros([2, 5, 2])));
  };
  for (let i = 0; i < 3; i++) step();
  const before = memoryStats();
  for (let i = 0; i < 500; i++) step();
  assert.deepEqual(memoryStats(), before);
});

Deno.test("CarriedState: a Sequential saves and restores its state under the layer's index", () => {
  using _ = scope();
  const random = new Random(1);
  const gru = new GRU({ inputSize: 2, hiddenSize: 3, random });
  const make = () => new Sequential([new Dense({ inputSize: 2, outputSize: 2, random }), new CarriedState(gru)]);
  const [a, b] = [make(), make()];
  a.forward(draw(random, 2, 4, 2));
  assert.deepEqual([...a.state().keys()], ["1.hidden"]);
  b.load(a.state());
  assert.deepEqual(b.state(), a.state());
  b.load(new Map());
  assert.equal(b.state().size, 0);
  const stray = new Map([["0.hidden", a.state().get("1.hidden")!]]);
  assert.throws(() => b.load(stray), { message: "Cannot load a carried state: no layer carries 0.hidden" });
});

Deno.test("CarriedState: after a reset, training and prediction both start from zeros", () => {
  using _ = scope();
  const random = new Random(1);
  const carried = new CarriedState(new LSTM({ inputSize: 1, hiddenSize: 3, random }));
  const x = draw(random, 2, 4, 1);
  const modes = [() => carried.forward(x).data.slice(), () => noGrad(() => carried.forward(x)).data.slice()];
  const fresh = modes.map((run) => run());
  modes.forEach((run, i) => assert.notDeepEqual(run(), fresh[i]));
  carried.reset();
  modes.forEach((run, i) => assert.deepEqual(run(), fresh[i]));
});

Deno.test("CarriedState: a reset under noGrad, as in an evaluation, leaves the state of training", () => {
  using _ = scope();
  const random = new Random(1);
  const layer = new LSTM({ inputSize: 1, hiddenSize: 3, random });
  const carried = new CarriedState(layer);
  const x = draw(random, 2, 4, 1);
  carried.forward(x);
  const before = carried.state();
  const evaluate = () =>
    noGrad(() => {
      carried.reset();
      return carried.forward(x).data.slice();
    });
  assert.deepEqual(evaluate(), evaluate());
  assert.deepEqual(carried.state(), before);
});

Deno.test("CarriedState: the mode does not depend on whether the parameters or the input need a gradient", () => {
  using _ = scope();
  const carried = new CarriedState<{ hidden: Tensor }>({
    inputSize: 1,
    hiddenSize: 1,
    outputSize: 1,
    parameters: () => ({}),
    forward: (x) => x as Tensor,
    step: (x, state) => ({ output: x, state }),
    initialState: (batch) => ({ hidden: zeros([batch, 1]) }),
    run: (x, options = {}) => ({ output: x, state: { hidden: options.state?.hidden ?? tensor([[5]]) } }),
  });
  carried.forward(zeros([1, 1, 1]));
  assert.deepEqual(carried.state().get("hidden")!.data, Float32Array.of(5));
});

Deno.test("CarriedState: another batch size and a bidirectional layer are refused, with what to do", () => {
  using _ = scope();
  const carried = new CarriedState(new GRU({ inputSize: 1, hiddenSize: 3 }));
  for (const mode of [<T>(run: () => T) => run(), noGrad]) {
    mode(() => carried.forward(zeros([2, 1, 1])));
    assert.throws(() => mode(() => carried.forward(zeros([3, 1, 1]))), {
      name: "TypeError",
      message: "Cannot run CarriedState: x must have the batch size of the carried state, 2, got 3; " +
        "call reset() before new sequences",
    });
    carried.reset();
    mode(() => carried.forward(zeros([3, 1, 1])));
  }
  assert.throws(() => new CarriedState(new GRU({ inputSize: 1, hiddenSize: 3, bidirectional: true })), {
    name: "TypeError",
    message: /^Cannot make CarriedState: the layer must be unidirectional, got a bidirectional one/,
  });
  assert.throws(() => new CarriedState(new Dense({ inputSize: 1, outputSize: 1 }) as never), {
    name: "TypeError",
    message: "Cannot make CarriedState: the layer must be a recurrent layer, got Dense",
  });
});
