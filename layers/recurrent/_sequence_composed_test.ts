import {
  add,
  concat,
  divide,
  full,
  matmul,
  mean,
  multiply,
  Random,
  relu,
  reshape,
  scope,
  sigmoid,
  slice,
  sqrt,
  subtract,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import fc from "fast-check";
import { gruCellResetAfter, gruCellResetBefore } from "./gru.ts";
import { lstmCell } from "./lstm.ts";
import { recurrentSequence } from "./_sequence.ts";
import { simpleRnnCell } from "./simple_rnn.ts";
import { type Weights, weightShapes, weightsOf } from "./_weights_test.ts";
import type { Gates } from "./_layout.ts";
import type { Cell } from "./cell.ts";

/** One time step composed from primitive ops. */
type Composed = (x: Tensor, states: Tensor[], weights: Weights<Tensor>) => Tensor[];

function columns(x: Tensor, { from, to }: Gates, hidden: number): Tensor {
  return slice(x, { axis: x.shape.length - 1, start: from * hidden, end: to * hidden });
}

function gate(gates: Tensor, index: number, hidden: number): Tensor {
  return columns(gates, { from: index, to: index + 1 }, hidden);
}

function normalized(x: Tensor, gain: Tensor | undefined): Tensor {
  if (gain === undefined) return x;
  const distance = subtract(x, mean(x, { axis: 1, keepDims: true }));
  const variance = mean(multiply(distance, distance), { axis: 1, keepDims: true });
  return multiply(divide(distance, sqrt(add(variance, full([1], 1e-5)))), gain);
}

/** x·W of some gates, each block normalized if there is a gain. */
function product(
  x: Tensor,
  weight: Tensor,
  gain: Tensor | undefined,
  blocks: readonly Gates[],
  hidden: number,
): Tensor {
  return concat(
    blocks.map((block) => normalized(matmul(x, columns(weight, block, hidden)), gain && columns(gain, block, hidden))),
    { axis: 1 },
  );
}

function simpleRnn(f: (x: Tensor) => Tensor): Composed {
  return (x, [h], { inputWeight, recurrentWeight, bias, inputGain, recurrentGain }) => {
    const [fromInput, fromState] = [[x, inputWeight, inputGain], [h!, recurrentWeight, recurrentGain]] as const;
    const blocks = [{ from: 0, to: 1 }];
    const hidden = h!.shape[1]!;
    return [f(add(add(product(...fromInput, blocks, hidden), product(...fromState, blocks, hidden)), bias))];
  };
}

const lstm: Composed = (x, [h, c], weights) => {
  const hidden = h!.shape[1]!;
  const blocks = [{ from: 0, to: 4 }];
  const fromInput = product(x, weights.inputWeight, weights.inputGain, blocks, hidden);
  const fromState = product(h!, weights.recurrentWeight, weights.recurrentGain, blocks, hidden);
  const gates = add(add(fromInput, fromState), weights.bias);
  const [i, f, g, o] = [0, 1, 2, 3].map((index) => gate(gates, index, hidden)) as [Tensor, Tensor, Tensor, Tensor];
  const cell = add(multiply(sigmoid(f), c!), multiply(sigmoid(i), tanh(g)));
  const seen = weights.cellGain === undefined ? cell : add(normalized(cell, weights.cellGain), weights.cellBias);
  return [multiply(sigmoid(o), tanh(seen)), cell];
};

function gru(resetAfter: boolean): Composed {
  const [resetUpdate, candidate] = [{ from: 0, to: 2 }, { from: 2, to: 3 }];
  return (x, [h], { inputWeight, recurrentWeight, bias, recurrentBias, inputGain, recurrentGain }) => {
    const hidden = h!.shape[1]!;
    const fromInput = add(product(x, inputWeight, inputGain, [resetUpdate, candidate], hidden), bias);
    const ofState = (state: Tensor, block: Gates) => product(state, recurrentWeight, recurrentGain, [block], hidden);
    const fromState = ofState(h!, resetUpdate);
    const activated = (index: number) => sigmoid(add(gate(fromInput, index, hidden), gate(fromState, index, hidden)));
    const [r, z] = [activated(0), activated(1)];
    const recurrent = resetAfter
      ? multiply(r, add(ofState(h!, candidate), recurrentBias))
      : ofState(multiply(r, h!), candidate);
    const n = tanh(add(gate(fromInput, 2, hidden), recurrent));
    return [add(n, multiply(z, subtract(h!, n)))];
  };
}

const cells: [name: string, cell: Cell, composed: Composed][] = [
  ["SimpleRNN tanh", simpleRnnCell("tanh"), simpleRnn(tanh)],
  ["SimpleRNN relu", simpleRnnCell("relu"), simpleRnn(relu)],
  ["LSTM", lstmCell, lstm],
  ["GRU, reset after", gruCellResetAfter, gru(true)],
  ["GRU, reset before", gruCellResetBefore, gru(false)],
];

/** All outputs in one row, so that gradients flow into all of them. */
function joined(parts: readonly Tensor[]): Tensor {
  return concat(parts.map((part) => reshape(part, [part.size])));
}

const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 6 }),
  time: fc.integer({ min: 1, max: 6 }),
  inputSize: fc.integer({ min: 1, max: 6 }),
  hidden: fc.integer({ min: 1, max: 20 }),
  seed: fc.nat(1e6),
});

for (const layerNorm of [false, true]) {
  for (const [name, cell, composed] of cells) {
    const what = layerNorm ? `${name}, normalized` : name;
    Deno.test(`${what}: output, states and all gradients match the cell composed from primitive ops`, () => {
      fc.assert(
        fc.property(sizes, ({ batch, time, inputSize, hidden, seed }) => {
          using _ = scope();
          const random = new Random(seed);
          const weights = weightShapes(cell, { inputSize, hidden, layerNorm });
          const states = cell.states.map(() => [batch, hidden]);
          const shapes = [[batch, time, inputSize], ...states, ...Object.values(weights)];
          const values = shapes.map((shape) => {
            return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal(0, 0.5));
          });
          const copy = () => {
            const [x, ...rest] = values.map((data, i) => tensor(data, { shape: shapes[i]!, requiresGrad: true }));
            return {
              all: [x!, ...rest],
              x: x!,
              states: rest.slice(0, states.length),
              weights: weightsOf(weights, rest.slice(states.length)),
            };
          };
          const [left, right] = [copy(), copy()];
          const fused = joined(
            recurrentSequence(cell, left.x, left.states, left.weights, {
              reverse: false,
              lengths: undefined,
              mask: undefined,
            }),
          );

          const outputs: Tensor[] = [];
          let now = right.states;
          for (let t = 0; t < time; t++) {
            const x = reshape(slice(right.x, { axis: 1, start: t, end: t + 1 }), [batch, inputSize]);
            now = composed(x, now, right.weights);
            outputs.push(reshape(now[0]!, [batch, 1, hidden]));
          }
          const primitive = joined([concat(outputs, { axis: 1 }), ...now]);

          // Normalizing a row of values that happen to be close together loses precision.
          const tolerance = layerNorm ? 1e-3 : 1e-4;
          assertClose(fused.data, primitive.data, { tolerance: tolerance / 10, name: "output" });
          const loss = tensor(Float32Array.from(fused.data, () => random.normal()));
          for (const output of [fused, primitive]) sum(multiply(output, loss)).backward();
          left.all.forEach((input, i) => {
            assertClose(input.grad!.data, right.all[i]!.grad!.data, { tolerance, name: `gradient of input ${i}` });
          });
        }),
        { numRuns: 30, ...(layerNorm && { seed: 1 }) },
      );
    });
  }
}
