import assert from "node:assert/strict";
import { noGrad, Random, reshape, scope, slice, softmax, tensor, zeros } from "@unfold/core";
import { Dense, Embedding, gradientFlow, LastStep, meanSquaredError } from "@unfold/layers";
import { CELLS } from "../../shared/choices.ts";
import { makeRecurrent } from "../../shared/models.ts";
import { TiedDense } from "../../text/language_model.ts";
import { unfoldNetwork } from "./unfold_network.ts";

for (const cell of CELLS) {
  for (const layers of [1, 2]) {
    Deno.test(`${cell}, layers: ${layers}: the figure has the values that the network computes`, () => {
      using _ = scope();
      const random = new Random(4);
      const recurrent = makeRecurrent({ cell, inputSize: 3, hiddenSize: 20, layers, random });
      const dense = new Dense({ inputSize: 20, outputSize: 7, random });
      const x = tensor(Float32Array.from({ length: 5 * 3 }, () => random.normal()), { shape: [1, 5, 3] });
      const y = tensor(Float32Array.from({ length: 7 }, () => random.normal()), { shape: [1, 7] });
      const unfolding = unfoldNetwork({
        recurrent,
        dense,
        x,
        labels: ["a", "b", "c", "d", "e"],
        loss: (output) => meanSquaredError(output, y),
        labelOf: (output) => output[6]!.toFixed(6),
      });

      const output = noGrad(() => recurrent.run(x).output);
      const said = noGrad(() => dense.forward(output));
      const near = (found: Float32Array, expected: Float32Array) => {
        assert.equal(found.length, expected.length);
        found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${value}, ${expected[i]}`));
      };
      const shown = layers === 1 ? 16 : 8;
      unfolding.steps.forEach(({ input, states, output: { label, values } }, t) => {
        assert.equal(input.label, "abcde"[t]);
        assert.deepEqual(input.values, x.data.slice(t * 3, t * 3 + 3));
        assert.deepEqual(states.map(({ length }) => length), Array(layers).fill(shown));
        near(states.at(-1)!, output.data.slice(t * 20, t * 20 + shown));
        near(values, said.data.slice(t * 7, t * 7 + 6));
        assert.equal(label, said.data[t * 7 + 6]!.toFixed(6));
      });
      const last = new LastStep();
      const gradients = gradientFlow(
        recurrent,
        x,
        (output) => meanSquaredError(dense.forward(last.forward(output)), y),
      );
      assert.deepEqual(unfolding.steps.map(({ gradient }) => gradient), [...gradients]);
      const end = reshape(slice(said, { axis: 1, start: 4 }), [1, 7]);
      assert.ok(Math.abs(unfolding.loss - meanSquaredError(end, y).item()) < 1e-6);

      const { inputWeight, recurrentWeights, outputWeight, gate, sizes } = unfolding;
      const parameters = recurrent.parameters();
      const gates = { lstm: 4, gru: 3, rnn: 1, relu: 1 }[cell];
      const block = gates === 1 ? 0 : 2;
      assert.equal(gate, { lstm: "g", gru: "n", rnn: undefined, relu: undefined }[cell]);
      assert.deepEqual(sizes, { input: 3, state: 20, output: 7 });
      assert.deepEqual([inputWeight.rows, inputWeight.columns, inputWeight.shape], [3, shown, [3, 20]]);
      assert.equal(inputWeight.values[shown + 1], parameters.inputWeight!.data[gates * 20 + block * 20 + 1]);
      assert.equal(recurrentWeights.length, layers);
      const names = ["recurrentWeight", "layer1.recurrentWeight"];
      recurrentWeights.forEach(({ values, rows, columns }, layer) => {
        assert.deepEqual([rows, columns], [shown, shown]);
        assert.equal(values[2 * shown + 3], parameters[names[layer]!]!.data[2 * gates * 20 + block * 20 + 3]);
      });
      assert.deepEqual([outputWeight.rows, outputWeight.columns], [shown, 6]);
      assert.equal(outputWeight.values[6 + 2], dense.weight.data[7 + 2]);
    });
  }
}

Deno.test("units are reported as off if every ReLU outputs 0, and for no other activation", () => {
  using _ = scope();
  const random = new Random(1);
  for (const [cell, bias, expected] of [["relu", -9, true], ["relu", 9, false], ["rnn", 0, false]] as const) {
    const recurrent = makeRecurrent({ cell, inputSize: 1, hiddenSize: 2, random });
    for (const parameter of Object.values(recurrent.parameters())) parameter.data.fill(0);
    recurrent.parameters().bias!.data.fill(bias);
    const { switchedOff } = unfoldNetwork({
      recurrent,
      dense: new Dense({ inputSize: 2, outputSize: 1, random }),
      x: tensor([[[1], [2]]]),
      labels: ["1", "2"],
      loss: (output) => meanSquaredError(output, tensor([[0]])),
      labelOf: String,
    });
    assert.equal(switchedOff, expected, `${cell} ${bias}`);
  }
});

Deno.test("V of a tied layer is the transposed embedding", () => {
  using _ = scope();
  const random = new Random(1);
  const recurrent = makeRecurrent({ cell: "gru", inputSize: 1, hiddenSize: 3, random });
  const embedding = new Embedding({ vocabularySize: 9, outputSize: 3, random });
  const dense = new TiedDense(embedding);
  const { steps, outputWeight, sizes } = unfoldNetwork({
    recurrent,
    dense,
    x: tensor([[[1], [2]]]),
    labels: ["1", "2"],
    loss: (output) => meanSquaredError(output, zeros([1, 9])),
    labelOf: String,
  });
  assert.deepEqual([outputWeight.rows, outputWeight.columns, outputWeight.shape, sizes.output], [3, 6, [3, 9], 9]);
  const state = steps[1]!.states[0]!;
  steps[1]!.output.values.forEach((value, column) => {
    const product = state.reduce((sum, s, row) => sum + s * outputWeight.values[row * 6 + column]!, 0);
    assert.ok(Math.abs(value - product) < 1e-6, `${value}, ${product}`);
  });
});

Deno.test("a network smaller than the figure is shown whole", () => {
  using _ = scope();
  const random = new Random(1);
  const recurrent = makeRecurrent({ cell: "gru", inputSize: 1, hiddenSize: 2, random });
  const { steps, outputWeight, recurrentWeights } = unfoldNetwork({
    recurrent,
    dense: new Dense({ inputSize: 2, outputSize: 1, random }),
    x: tensor([[[1], [2]]]),
    labels: ["1", "2"],
    loss: (output) => meanSquaredError(output, tensor([[0]])),
    labelOf: (output) => String(softmax(tensor(output)).data[0]),
  });
  assert.deepEqual(steps.map(({ states, output }) => [states[0]!.length, output.label]), [[2, "1"], [2, "1"]]);
  assert.deepEqual([outputWeight.rows, outputWeight.columns, recurrentWeights[0]!.values.length], [2, 1, 4]);
});
