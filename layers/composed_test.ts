import {
  add,
  concat,
  matmul,
  multiply,
  Random,
  relu,
  reshape,
  scope,
  sigmoid,
  slice,
  subtract,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import fc from "fast-check";
import { gruCellResetAfter, gruCellResetBefore } from "./_gru_cell.ts";
import { lstmCell } from "./_lstm_cell.ts";
import { recurrentSequence } from "./_recurrent_sequence.ts";
import { simpleRnnCell } from "./_simple_rnn_cell.ts";
import type { Cell } from "./cell.ts";

/** One time step composed from primitive ops: x, states, U, W, b and d → the states after it. */
type Composed = (x: Tensor, states: Tensor[], u: Tensor, w: Tensor, b: Tensor, d: Tensor | undefined) => Tensor[];

function gate(gates: Tensor, index: number, hidden: number): Tensor {
  return slice(gates, { axis: 1, start: index * hidden, end: (index + 1) * hidden });
}

function simpleRnn(f: (x: Tensor) => Tensor): Composed {
  return (x, [h], u, w, b) => [f(add(add(matmul(x, u), matmul(h!, w)), b))];
}

const lstm: Composed = (x, [h, c], u, w, b) => {
  const hidden = h!.shape[1]!;
  const gates = add(add(matmul(x, u), matmul(h!, w)), b);
  const [i, f, g, o] = [0, 1, 2, 3].map((index) => gate(gates, index, hidden)) as [Tensor, Tensor, Tensor, Tensor];
  const cell = add(multiply(sigmoid(f), c!), multiply(sigmoid(i), tanh(g)));
  return [multiply(sigmoid(o), tanh(cell)), cell];
};

function gru(resetAfter: boolean): Composed {
  return (x, [h], u, w, b, d) => {
    const hidden = h!.shape[1]!;
    const [fromInput, fromState] = [add(matmul(x, u), b), matmul(h!, w)];
    const activated = (index: number) => sigmoid(add(gate(fromInput, index, hidden), gate(fromState, index, hidden)));
    const [r, z] = [activated(0), activated(1)];
    const recurrent = resetAfter
      ? multiply(r, add(gate(fromState, 2, hidden), d!))
      : matmul(multiply(r, h!), gate(w, 2, hidden));
    const n = tanh(add(gate(fromInput, 2, hidden), recurrent));
    return [add(n, multiply(z, subtract(h!, n)))];
  };
}

const cells: [name: string, cell: Cell, composed: Composed][] = [
  ["SimpleRNN tanh", simpleRnnCell(false), simpleRnn(tanh)],
  ["SimpleRNN relu", simpleRnnCell(true), simpleRnn(relu)],
  ["LSTM", lstmCell, lstm],
  ["GRU, reset after", gruCellResetAfter, gru(true)],
  ["GRU, reset before", gruCellResetBefore, gru(false)],
];

/** Everything that comes out, in one row, so that gradients flow into all of it. */
function joined(parts: readonly Tensor[]): Tensor {
  return concat(parts.map((part) => reshape(part, [part.size])));
}

const sizes = fc.tuple(...[6, 6, 6, 20].map((max) => fc.integer({ min: 1, max })), fc.nat(1e6));

for (const [name, cell, composed] of cells) {
  Deno.test(`${name}: output, states and all gradients equal the cell composed from primitive ops`, () => {
    fc.assert(
      fc.property(sizes, ([batch, time, inputSize, hidden, seed]) => {
        using _ = scope();
        const random = new Random(seed!);
        const width = cell.gates * hidden!;
        const states = cell.states.map(() => [batch!, hidden!]);
        const shapes = [[batch!, time!, inputSize!], ...states, [inputSize!, width], [hidden!, width], [width]];
        if (cell.recurrentBias) shapes.push([hidden!]);
        const values = shapes.map((shape) => {
          return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal(0, 0.5));
        });
        const draw = () => values.map((data, i) => tensor(data, { shape: shapes[i]!, requiresGrad: true }));
        const [left, right] = [draw(), draw()];
        const split = ([x, ...rest]: Tensor[]) => {
          const [u, w, b, d] = rest.slice(states.length) as [Tensor, Tensor, Tensor, Tensor | undefined];
          return { x: x!, states: rest.slice(0, states.length), u, w, b, d };
        };
        const a = split(left);
        const weights = { inputWeight: a.u, recurrentWeight: a.w, bias: a.b, recurrentBias: a.d };
        const fused = joined(
          recurrentSequence(cell, a.x, a.states, weights, { reverse: false, lengths: undefined, mask: undefined }),
        );

        const b = split(right);
        const outputs: Tensor[] = [];
        let now = b.states;
        for (let t = 0; t < time!; t++) {
          const x = reshape(slice(b.x, { axis: 1, start: t, end: t + 1 }), [batch!, inputSize!]);
          now = composed(x, now, b.u, b.w, b.b, b.d);
          outputs.push(reshape(now[0]!, [batch!, 1, hidden!]));
        }
        const primitive = joined([concat(outputs, { axis: 1 }), ...now]);

        assertClose(fused.data, primitive.data, { tolerance: 1e-5, name: "output" });
        const loss = tensor(Float32Array.from(fused.data, () => random.normal()));
        for (const output of [fused, primitive]) sum(multiply(output, loss)).backward();
        left.forEach((input, i) => {
          assertClose(input.grad!.data, right[i]!.grad!.data, { tolerance: 1e-4, name: `gradient of input ${i}` });
        });
      }),
      { numRuns: 30 },
    );
  });
}
