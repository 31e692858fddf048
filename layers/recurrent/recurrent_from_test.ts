import {
  add,
  matmul,
  multiply,
  Parameter,
  Random,
  scope,
  sigmoid,
  slice,
  sum,
  tanh,
  type Tensor,
  tensor,
  zeros,
} from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import assert from "node:assert/strict";
import { LSTM } from "./lstm.ts";
import { recurrentFrom } from "./recurrent_from.ts";

const [batch, time, inputSize, hiddenSize] = [3, 5, 2, 4];

function draw(random: Random, shape: number[]): Tensor {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return tensor(values, { shape, requiresGrad: true });
}

/** The columns of one of four gates. */
function gate(x: Tensor, index: number): Tensor {
  return slice(x, { axis: 1, start: index * hiddenSize, end: (index + 1) * hiddenSize });
}

Deno.test("recurrentFrom: an LSTM composed of ops equals the fused one, with padding and a first state", () => {
  using _ = scope();
  const random = new Random(1);
  const lstm = new LSTM({ inputSize, hiddenSize, random });
  const parameters = lstm.parameters() as Record<"inputWeight" | "recurrentWeight" | "bias", Parameter>;
  const composed = recurrentFrom((x, { hidden, cell }, { inputWeight, recurrentWeight, bias }) => {
    const products = add(add(matmul(x, inputWeight), matmul(hidden, recurrentWeight)), bias);
    const [i, f, o] = [sigmoid(gate(products, 0)), sigmoid(gate(products, 1)), sigmoid(gate(products, 3))];
    const next = add(multiply(f, cell), multiply(i, tanh(gate(products, 2))));
    return { hidden: multiply(o, tanh(next)), cell: next };
  }, { inputSize, hiddenSize, states: ["hidden", "cell"], parameters });
  assert.equal(composed.parameters(), parameters);
  const [data, first] = [draw(random, [batch, time, inputSize]), draw(random, [batch, hiddenSize])];
  // The padding may hold anything.
  data.data.fill(NaN, (2 * time + 1) * inputSize);
  const compute = (run: typeof lstm.run) => {
    const x = tensor(data.data.slice(), { shape: data.shape, requiresGrad: true });
    const hidden = tensor(first.data.slice(), { shape: first.shape, requiresGrad: true });
    const { output, state } = run(x, { lengths: [5, 3, 1], state: { hidden, cell: zeros([batch, hiddenSize]) } });
    for (const parameter of Object.values(parameters)) parameter.zeroGrad();
    const parts = [output, state.hidden, state.cell];
    parts.map((part, i) => sum(multiply(part, draw(new Random(i), [...part.shape])))).reduce((a, b) => add(a, b))
      .backward();
    return [...parts, x.grad!, hidden.grad!, ...Object.values(parameters).map(({ grad }) => grad)]
      .map(({ data }) => data.slice());
  };
  const [got, wanted] = [
    compute((x, options) => composed.run(x, options)),
    compute((x, options) => lstm.run(x, options)),
  ];
  got.forEach((values, i) => assertClose(values, wanted[i]!, { tolerance: 1e-5, name: `result ${i}` }));
});

Deno.test("recurrentFrom: single steps equal a run, and a run without time steps keeps the state", () => {
  using _ = scope();
  const random = new Random(2);
  const W = new Parameter([hiddenSize, hiddenSize], (data) => data.forEach((_, i) => data[i] = random.normal()));
  const layer = recurrentFrom(
    (x, { hidden }) => ({ hidden: tanh(add(matmul(hidden, W), slice(x, { axis: 1, end: 1 }))) }),
    {
      inputSize,
      hiddenSize,
      parameters: { W },
    },
  );
  const x = draw(random, [batch, time, inputSize]);
  const run = layer.run(x);
  let state = layer.initialState(batch);
  for (let t = 0; t < time; t++) {
    const now = slice(x, { axis: 1, start: t, end: t + 1 });
    const next = layer.step(tensor(now.data, { shape: [batch, inputSize] }), state);
    assert.deepEqual(next.output.data, slice(run.output, { axis: 1, start: t, end: t + 1 }).data);
    state = next.state;
  }
  assert.deepEqual(layer.forward(x).data, run.output.data);
  const none = layer.run(zeros([batch, 0, inputSize]), { state });
  assert.deepEqual(none.output.shape, [batch, 0, hiddenSize]);
  assert.deepEqual(none.state.hidden.data, state.hidden.data);
});

Deno.test("recurrentFrom: wrong sizes, states and results of the step are refused", () => {
  const make = (step: (x: Tensor, state: { hidden: Tensor }) => unknown, options = {}) =>
    recurrentFrom(step as never, { inputSize, hiddenSize, ...options });
  const keep = (_: Tensor, { hidden }: { hidden: Tensor }) => ({ hidden });
  const x = zeros([batch, time, inputSize]);
  assert.throws(() => make(keep, { hiddenSize: 0 }), {
    name: "RangeError",
    message: "Cannot make a recurrent layer: hiddenSize must be an integer of 1 or more, got 0",
  });
  assert.throws(() => make(keep, { states: [] }), {
    name: "TypeError",
    message: "Cannot make a recurrent layer: states must name at least one, the output, got none",
  });
  assert.throws(() => make(keep).run(zeros([batch, time, 3])), /x must have shape \[batch, time, inputSize = 2\]/);
  assert.throws(() => make(keep).run(x, { state: { hidden: zeros([1, hiddenSize]) } }), {
    message: "Cannot run the layer: state.hidden must have shape [batch = 3, hiddenSize = 4], got [1, 4]",
  });
  assert.throws(() => make(() => undefined).run(x), {
    name: "TypeError",
    message: "Cannot run the layer: the step's result must have hidden, got nothing",
  });
  assert.throws(() => make(() => ({ cell: x })).run(x), {
    message: "Cannot run the layer: the step's result must have hidden, got cell",
  });
  assert.throws(() => make(() => ({ hidden: zeros([hiddenSize]) })).run(x), {
    message: "Cannot run the layer: the step's result.hidden must have shape [batch = 3, hiddenSize = 4], got [4]",
  });
  assert.throws(() => make(keep).run(x, { lengths: [6, 1, 1] }), { name: "RangeError" });
});
