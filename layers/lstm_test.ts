import {
  add,
  concat,
  keep,
  matmul,
  multiply,
  noGrad,
  Random,
  reshape,
  scope,
  sigmoid,
  slice,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "@unfold/core";
import { assertClose, checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { lstmSequence } from "./_lstm_sequence.ts";
import { LSTM } from "./lstm.ts";

/** The LSTM composed from primitive ops, one time step after the other. */
function composed(x: Tensor, h: Tensor, c: Tensor, u: Tensor, w: Tensor, b: Tensor): [Tensor, Tensor, Tensor] {
  const [batch, time, inputSize] = x.shape as [number, number, number];
  const hidden = h.shape[1]!;
  const outputs: Tensor[] = [];
  for (let t = 0; t < time; t++) {
    const now = reshape(slice(x, { axis: 1, start: t, end: t + 1 }), [batch, inputSize]);
    const gates = add(add(matmul(now, u), matmul(h, w)), b);
    const gate = (index: number) => slice(gates, { axis: 1, start: index * hidden, end: (index + 1) * hidden });
    c = add(multiply(sigmoid(gate(1)), c), multiply(sigmoid(gate(0)), tanh(gate(2))));
    h = multiply(sigmoid(gate(3)), tanh(c));
    outputs.push(reshape(h, [batch, 1, hidden]));
  }
  return [concat(outputs, { axis: 1 }), h, c];
}

/** The same in 64-bit floats, written as loops over the equations. */
function oracle(x: Oracle, h0: Oracle, c0: Oracle, u: Oracle, w: Oracle, b: Oracle): Float64Array[] {
  const [batch, time, inputSize] = x.shape as [number, number, number];
  const hidden = h0.shape[1]!;
  const [h, c] = [h0.data.slice(), c0.data.slice()];
  const output = new Float64Array(batch * time * hidden);
  const logistic = (value: number) => 1 / (1 + Math.exp(-value));
  for (let row = 0; row < batch; row++) {
    for (let t = 0; t < time; t++) {
      const gates = Array.from({ length: 4 * hidden }, (_, j) => {
        let total = b.data[j]!;
        for (let k = 0; k < inputSize; k++) {
          total += x.data[(row * time + t) * inputSize + k]! * u.data[k * 4 * hidden + j]!;
        }
        for (let k = 0; k < hidden; k++) total += h[row * hidden + k]! * w.data[k * 4 * hidden + j]!;
        return total;
      });
      for (let j = 0; j < hidden; j++) {
        const [i, f, g, o] = [0, 1, 2, 3].map((gate) => gates[gate * hidden + j]!) as [number, number, number, number];
        const at = row * hidden + j;
        c[at] = logistic(f) * c[at]! + logistic(i) * Math.tanh(g);
        h[at] = logistic(o) * Math.tanh(c[at]!);
        output[(row * time + t) * hidden + j] = h[at]!;
      }
    }
  }
  return [output, h, c];
}

/** Batch, time, input size, hidden size. */
type Sizes = [number, number, number, number];

function shapesOf([batch, time, inputSize, hidden]: Sizes): number[][] {
  const state = [batch, hidden];
  return [[batch, time, inputSize], state, state, [inputSize, 4 * hidden], [hidden, 4 * hidden], [4 * hidden]];
}

const sizes = fc.tuple(
  fc.integer({ min: 1, max: 4 }),
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 9 }),
);

/** Output, last hidden and last cell state in one row, so that gradients flow into all three. */
function joined(parts: readonly Tensor[]): Tensor {
  return concat(parts.map((part) => reshape(part, [part.size])));
}

Deno.test("LSTM: values and gradients equal a Float64 oracle and its central differences", () => {
  fc.assert(
    fc.property(sizes, fc.nat(1e6), (size, seed) => {
      checkOp({
        op: (x, h, c, u, w, b) => joined(lstmSequence(x!, h!, c!, u!, w!, b!)),
        oracle: (x, h, c, u, w, b) => {
          const data = Float64Array.from(oracle(x!, h!, c!, u!, w!, b!).flatMap((part) => [...part]));
          return { shape: [data.length], data };
        },
        shapes: shapesOf(size),
        draw: (random) => random.normal(0, 0.7),
        seed,
      });
    }),
    { numRuns: 25 },
  );
});

Deno.test("LSTM: outputs and all gradients equal the cell composed from primitive ops", () => {
  fc.assert(
    fc.property(sizes, fc.nat(1e6), (size, seed) => {
      using _ = scope();
      const random = new Random(seed);
      const inputs = shapesOf(size).map((shape) => {
        const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal(0, 0.7));
        return [0, 1].map(() => tensor(values, { shape, requiresGrad: true })) as [Tensor, Tensor];
      });
      const [fused, primitive] = [0, 1].map((side) => {
        const [x, h, c, u, w, b] = inputs.map((pair) => pair[side]!) as [
          Tensor,
          Tensor,
          Tensor,
          Tensor,
          Tensor,
          Tensor,
        ];
        return joined(side === 0 ? lstmSequence(x, h, c, u, w, b) : composed(x, h, c, u, w, b));
      }) as [Tensor, Tensor];
      assertClose(fused.data, primitive.data, { tolerance: 1e-5, name: "output" });
      const weights = tensor(Float32Array.from(fused.data, () => random.normal()), { shape: fused.shape });
      for (const output of [fused, primitive]) sum(multiply(output, weights)).backward();
      inputs.forEach(([a, b], index) => {
        assertClose(a.grad!.data, b.grad!.data, { tolerance: 1e-5, name: `gradient of input ${index}` });
      });
    }),
    { numRuns: 50 },
  );
});

Deno.test("LSTM: step by step equals one run", () => {
  using _ = scope();
  const random = new Random(3);
  const lstm = new LSTM({ inputSize: 3, hiddenSize: 6, random });
  const x = tensor(Float32Array.from({ length: 2 * 7 * 3 }, () => random.normal()), { shape: [2, 7, 3] });
  const run = lstm.run(x);
  let state = lstm.initialState(2);
  for (let t = 0; t < 7; t++) {
    const now = reshape(slice(x, { axis: 1, start: t, end: t + 1 }), [2, 3]);
    const stepped = noGrad(() => lstm.step(now, state));
    state = stepped.state;
    const expected = slice(run.output, { axis: 1, start: t, end: t + 1 });
    assertClose(stepped.output.data, expected.data, { tolerance: 1e-6 });
  }
  assertClose(state.cell.data, run.state.cell.data, { tolerance: 1e-6 });
});

Deno.test("LSTM: a run in two halves, the state carried over, equals one run", () => {
  using _ = scope();
  const random = new Random(4);
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 5, random });
  const x = tensor(Float32Array.from({ length: 3 * 6 * 2 }, () => random.normal()), { shape: [3, 6, 2] });
  const whole = lstm.run(x);
  const first = lstm.run(slice(x, { axis: 1, end: 4 }));
  const second = lstm.run(slice(x, { axis: 1, start: 4 }), { state: first.state });
  assertClose(concat([first.output, second.output], { axis: 1 }).data, whole.output.data, { tolerance: 1e-6 });
});

Deno.test("LSTM: the forget gate's bias starts at 1, recurrent weights start orthogonal", () => {
  using _ = scope();
  const { bias, recurrentWeight } = new LSTM({ inputSize: 2, hiddenSize: 3, random: new Random(1) });
  assert.deepEqual(bias.toArray(), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  for (let gate = 0; gate < 4; gate++) {
    const w = keep(slice(recurrentWeight, { axis: 1, start: 3 * gate, end: 3 * gate + 3 }));
    assertClose(matmul(w, w, { transposeB: true }).data, [1, 0, 0, 0, 1, 0, 0, 0, 1], { tolerance: 1e-6 });
  }
});

Deno.test("LSTM: bad sizes, inputs and states are refused by name", () => {
  assert.throws(() => new LSTM({ inputSize: 0, hiddenSize: 4 }), {
    name: "RangeError",
    message: "Cannot make LSTM: inputSize must be an integer of 1 or more, got 0",
  });
  const lstm = new LSTM({ inputSize: 3, hiddenSize: 4 });
  assert.throws(() => lstm.forward(tensor([1, 2, 3])), {
    name: "TypeError",
    message: "Cannot run LSTM: x must have shape [batch, time, inputSize = 3], got [3]",
  });
  assert.throws(() => lstm.forward(tensor([[[1, 2]]])), /inputSize = 3\], got \[1, 1, 2\]/);
  assert.throws(() => lstm.run(tensor([[[1, 2, 3]]]), { state: lstm.initialState(2) }), {
    message: "Cannot run LSTM: state.hidden must have shape [batch = 1, hiddenSize = 4], got [2, 4]",
  });
});

Deno.test("LSTM: a NaN gradient is handed on, not flushed", () => {
  using _ = scope();
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 5, random: new Random(1) });
  const output = lstm.forward(tensor([[[1, 2]]]));
  output.backward(tensor(new Float32Array(5).fill(NaN), { shape: [1, 1, 5] }));
  assert.ok(lstm.bias.grad.data.every(Number.isNaN));
});
