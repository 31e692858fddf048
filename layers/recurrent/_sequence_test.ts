import { concat, full, matmul, Random, reshape, scope, slice, sum, type Tensor, tensor, zeros } from "@unfold/core";
import { view } from "@unfold/core/kernels";
import { assertClose } from "@unfold/core/testing";
import assert from "node:assert/strict";
import { type Weights, weightShapes, weightsOf } from "./_weights_test.ts";
import { gruCellResetAfter, gruCellResetBefore } from "./gru.ts";
import { lstmCell } from "./lstm.ts";
import {
  collectOutput,
  inputGradients,
  lastStates,
  prepareBackward,
  projectInputs,
  projectionGradients,
  recurrentSequence,
  runBackward,
  runForward,
  weightGradients,
} from "./_sequence.ts";
import { simpleRnnCell } from "./simple_rnn.ts";
import { type CellWeights, Run } from "./_run.ts";
import type { Cell } from "./cell.ts";

const [batch, time, inputSize, hidden] = [3, 4, 2, 5];
const cells: Record<string, Cell> = {
  SimpleRNN: simpleRnnCell("tanh"),
  LSTM: lstmCell,
  "GRU, reset after": gruCellResetAfter,
  "GRU, reset before": gruCellResetBefore,
};
const forwards = { reverse: false, lengths: undefined, mask: undefined };

function draw(random: Random, shape: number[]): Tensor {
  return tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()), { shape });
}

/** Inputs, first states and weights of a cell, drawn from a fixed seed. */
function example(cell: Cell): { x: Tensor; states: Tensor[]; weights: Weights<Tensor> } {
  const random = new Random(1);
  const shapes = weightShapes(cell, { inputSize, hidden, layerNorm: false });
  return {
    x: draw(random, [batch, time, inputSize]),
    states: cell.states.map(() => draw(random, [batch, hidden])),
    weights: weightsOf(shapes, Object.values(shapes).map((shape) => draw(random, shape))),
  };
}

/** [batch, time, n] with the order of its time steps reversed. */
function reversed(x: Tensor): Tensor {
  const steps = Array.from({ length: x.shape[1]! }, (_, t) => slice(x, { axis: 1, start: t, end: t + 1 }));
  return concat(steps.reverse(), { axis: 1 });
}

/** [batch, time, n] as rows in time-major order, [time·batch, n]. */
function timeMajor(x: Tensor): Tensor {
  const [batch, time, n] = x.shape as [number, number, number];
  const steps = Array.from({ length: time }, (_, t) => slice(x, { axis: 1, start: t, end: t + 1 }));
  return concat(steps.map((step) => reshape(step, [batch, n])), { axis: 0 });
}

for (const [name, cell] of Object.entries(cells)) {
  Deno.test(`${name}: a reverse run equals a forward run over the reversed input, bit for bit`, () => {
    using _ = scope();
    const { x, states, weights } = example(cell);
    const [output, ...last] = recurrentSequence(cell, x, states, weights, { ...forwards, reverse: true });
    const [mirrored, ...mirroredLast] = recurrentSequence(cell, reversed(x), states, weights, forwards);
    assert.deepEqual(output!.data, reversed(mirrored!).data);
    last.forEach((state, i) => assert.deepEqual(state.data, mirroredLast[i]!.data));
  });

  Deno.test(`${name}: a run without time steps gives the first states and an empty output`, () => {
    using _ = scope();
    const { states, weights } = example(cell);
    for (const reverse of [false, true]) {
      const run = new Run(cell, zeros([batch, 0, inputSize]), states, weights, { ...forwards, reverse });
      runForward(run, projectInputs(run));
      assert.deepEqual(lastStates(run).map(({ data }) => data), states.map(({ data }) => data));
      assert.deepEqual(collectOutput(run).shape, [batch, 0, hidden]);
    }
  });

  Deno.test(`${name}: gradients of U and x are products with the gradients of the gates`, () => {
    using _ = scope();
    const { x, states, weights } = example(cell);
    const run = new Run(cell, x, states, weights, forwards);
    runForward(run, projectInputs(run));
    const gradients = Object.fromEntries(
      Object.entries(weights).map(([name, { shape }]) => [name, zeros(shape)]),
    ) as unknown as CellWeights;
    const pass = prepareBackward(
      run,
      full([batch, time, hidden], 1),
      states.map(({ shape }) => zeros(shape)),
      gradients,
    );
    runBackward(run, pass);
    projectionGradients(run, pass);
    weightGradients(run, pass);
    const dx = zeros(x.shape);
    inputGradients(run, pass, dx);

    const dGates = zeros([time * batch, weights.inputWeight.shape[1]!]);
    dGates.data.set(view(pass.dx, dGates.size));
    const close = (actual: Tensor, expected: Tensor, name: string) =>
      assertClose(actual.data, expected.data, { tolerance: 1e-5, name });
    close(gradients.inputWeight, matmul(timeMajor(x), dGates, { transposeA: true }), "∂loss/∂U");
    close(timeMajor(dx), matmul(dGates, weights.inputWeight, { transposeB: true }), "∂loss/∂x");
    close(gradients.bias!, sum(dGates, { axis: 0 }), "∂loss/∂b");
  });
}

Deno.test("Run: the first states are placed where the run starts, and padded inputs are 0", () => {
  using _ = scope();
  const { x, states, weights } = example(lstmCell);
  for (const reverse of [false, true]) {
    const run = new Run(lstmCell, x, states, weights, { reverse, lengths: [4, 1, 0], mask: undefined });
    const start = reverse ? time : 0;
    states.forEach((state, i) => {
      const history = slice(run.states, { start: i, end: i + 1 });
      assert.deepEqual(slice(history, { axis: 1, start, end: start + 1 }).data, state.data);
    });
    const inputs = timeMajor(x).data.slice();
    [4, 1, 0].forEach((length, row) => {
      for (let t = length; t < time; t++) {
        inputs.fill(0, (t * batch + row) * inputSize, (t * batch + row + 1) * inputSize);
      }
    });
    assert.deepEqual(run.inputs.data, inputs);
  }
});

Deno.test("projectInputs: the products of all time steps are x·U", () => {
  using _ = scope();
  const { x, states, weights } = example(gruCellResetAfter);
  const run = new Run(gruCellResetAfter, x, states, weights, forwards);
  const products = projectInputs(run);
  const expected = matmul(timeMajor(x), weights.inputWeight);
  assertClose(view(products, expected.size), expected.data, { tolerance: 1e-6 });
});

Deno.test("runForward: a sequence that has ended keeps its state, in both directions", () => {
  using _ = scope();
  const { x, states, weights } = example(lstmCell);
  for (const reverse of [false, true]) {
    const run = new Run(lstmCell, x, states, weights, { reverse, lengths: [4, 2, 0], mask: undefined });
    runForward(run, projectInputs(run));
    const last = lastStates(run);
    last.forEach((state, i) => assert.deepEqual(state.data.subarray(2 * hidden), states[i]!.data.subarray(2 * hidden)));
    const output = collectOutput(run);
    assert.deepEqual(
      output.data.subarray((time + 2) * hidden, 3 * time * hidden),
      new Float32Array((time + 2) * hidden),
    );
  }
});
