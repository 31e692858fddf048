import { add, detach, matmul, multiply, sigmoid, slice, subtract, tanh, type Tensor } from "@unfold/core";
import { type BackwardStep, type Cell, defineCell, type ForwardStep, GRU, LSTM, Recurrent } from "@unfold/layers";
import type { LayerArchitecture, RecurrentOptions } from "@unfold/layers";
import { type CellCheck, checkCell } from "@unfold/layers/testing";
import assert from "node:assert/strict";

/** The columns of one of several gates. */
function gate(x: Tensor, index: number, count: number): Tensor {
  const axis = x.shape.length - 1;
  const size = x.shape[axis]! / count;
  return slice(x, { axis, start: index * size, end: (index + 1) * size });
}

Deno.test("checkCell: the LSTM conforms", () =>
  checkCell<"hidden" | "cell">({
    layer: (options) => new LSTM(options),
    composed: (x, { hidden, cell }, { inputWeight, recurrentWeight, bias }) => {
      const products = add(add(matmul(x, inputWeight), matmul(hidden, recurrentWeight)), bias);
      const [i, f, o] = [0, 1, 3].map((index) => sigmoid(gate(products, index, 4))) as [Tensor, Tensor, Tensor];
      const next = add(multiply(f, cell), multiply(i, tanh(gate(products, 2, 4))));
      return { hidden: multiply(o, tanh(next)), cell: next };
    },
  }));

for (const resetAfter of [true, false]) {
  Deno.test(`checkCell: the GRU conforms, reset ${resetAfter ? "after" : "before"}`, () =>
    checkCell<"hidden">({
      layer: (options) => new GRU({ ...options, resetAfter }),
      composed: (x, { hidden }, { inputWeight, recurrentWeight, bias, recurrentBias }) => {
        const fromInput = add(matmul(x, inputWeight), bias);
        const fromState = (h: Tensor, index: number) => matmul(h, gate(recurrentWeight, index, 3));
        const [r, z] = [0, 1].map((index) => sigmoid(add(gate(fromInput, index, 3), fromState(hidden, index)))) as [
          Tensor,
          Tensor,
        ];
        const inside = resetAfter
          ? multiply(r, add(fromState(hidden, 2), recurrentBias))
          : fromState(multiply(r, hidden), 2);
        const n = tanh(add(gate(fromInput, 2, 3), inside));
        return { hidden: add(n, multiply(z, subtract(hidden, n))) };
      },
    }));
}

type Step = ForwardStep<"forget" | "candidate", "hidden">;
type Backward = BackwardStep<"forget" | "candidate", "hidden">;

function forward({ size, gates, before, after }: Step): void {
  const [f, n, h, next] = [gates.forget.data, gates.candidate.data, before.hidden.data, after.hidden.data];
  for (let i = 0; i < size; i++) next[i] = h[i]! + f[i]! * (n[i]! - h[i]!);
}

function backward({ size, gates, before, dAfter, dGates, dBefore }: Backward): void {
  const [f, n, h, d] = [gates.forget.data, gates.candidate.data, before.hidden.data, dAfter.hidden.data];
  const [df, dn, dh] = [dGates.forget.data, dGates.candidate.data, dBefore.hidden.data];
  for (let i = 0; i < size; i++) {
    df[i] = d[i]! * (n[i]! - h[i]!);
    dn[i] = d[i]! * f[i]!;
    dh[i]! += d[i]! * (1 - f[i]!);
  }
}

/** A cell that conforms, with a mistake. */
function mistaken(change: Partial<Parameters<typeof defineCell>[0]>): Cell {
  const good = {
    name: "Unit",
    gates: { forget: "sigmoid", candidate: { activation: "tanh", of: "input" } } as const,
    states: ["hidden" as const],
    forward,
    backward,
  };
  return defineCell({ ...good, ...change } as Parameters<typeof defineCell>[0]);
}

class Unit extends Recurrent<{ readonly hidden: Tensor }> {
  constructor(cell: Cell, options: RecurrentOptions) {
    super(cell, options);
  }

  architecture(): LayerArchitecture {
    return this.describe(Unit, { type: "Unit" });
  }
}

const composed: CellCheck<"hidden">["composed"] = (x, { hidden }, { inputWeight, recurrentWeight, bias }) => {
  const products = add(matmul(x, inputWeight), bias);
  const f = sigmoid(add(gate(products, 0, 2), matmul(hidden, recurrentWeight)));
  return { hidden: add(hidden, multiply(f, subtract(tanh(gate(products, 1, 2)), hidden))) };
};

function checkUnit(change: Parameters<typeof mistaken>[0], more: Partial<CellCheck<"hidden">> = {}): Promise<void> {
  return checkCell<"hidden">({ layer: (options) => new Unit(mistaken(change), options), composed, ...more });
}

Deno.test("checkCell: a cell in loops conforms", () => checkUnit({}));

const mistakes: [what: string, change: Parameters<typeof mistaken>[0], message: RegExp][] = [
  [
    "the wrong gradient of a gate",
    {
      backward(step: Backward) {
        backward(step);
        step.dGates.candidate.data.forEach((value, i, data) => data[i] = 2 * value);
      },
    },
    /^Unit: backward must give dGates\.candidate = \S+ at row \d, feature \d, as central differences of forward do, got /,
  ],
  [
    "a gradient that includes the slope of the activation",
    {
      backward(step: Backward) {
        backward(step);
        const f = step.gates.forget.data;
        step.dGates.forget.data.forEach((value, i, data) => data[i] = value * f[i]! * (1 - f[i]!));
      },
    },
    /^Unit: backward must give dGates\.forget = /,
  ],
  [
    "the gradient of a state that is not added",
    {
      backward(step: Backward) {
        step.dBefore.hidden.data.fill(0);
        backward(step);
      },
    },
    /^Unit: backward must give dBefore\.hidden = .*; it must add to what is there$/,
  ],
  [
    "a gate without a gradient",
    { backward: ({ dGates, dAfter }: Backward) => dGates.forget.data.set(dAfter.hidden.data) },
    /^Unit: backward must write all of dGates\.candidate, got NaN at row 0, feature 0$/,
  ],
  ["a state that is not written", { forward() {} }, /^Unit: forward must write all of after\.hidden, got NaN at row 0/],
  [
    "the wrong activation",
    { gates: { forget: "sigmoid", candidate: { activation: "linear", of: "input" } } },
    /^Unit, a run from zeros, against the composed cell: output: element \d+ is /,
  ],
  [
    "loops that claim to split rows",
    { splitsRows: true },
    /^Unit: .* on 2 threads must be the same as on one/,
  ],
];

for (const [what, change, message] of mistakes) {
  Deno.test(`checkCell: finds ${what}`, () => assert.rejects(checkUnit(change), { message }));
}

Deno.test("checkCell: a wrong gradient names the weight and the gate, and a layer must describe itself", async () => {
  // The candidate of the oracle has another scale, which its values hide where f is 0.
  const other: CellCheck<"hidden">["composed"] = (x, { hidden }, weights) => {
    const { hidden: value } = composed(x, { hidden }, weights);
    // The value is the same, the gradient of W is not.
    return {
      hidden: add(
        value,
        subtract(matmul(hidden, weights.recurrentWeight), matmul(hidden, detach(weights.recurrentWeight))),
      ),
    };
  };
  await assert.rejects(checkUnit({}, { composed: other }), { message: /gate forget/ });
  class Plain extends Recurrent<{ readonly hidden: Tensor }> {
    constructor(options: RecurrentOptions) {
      super(mistaken({}), options);
    }
  }
  await assert.rejects(checkUnit({}, { layer: (options) => new Plain(options) }), {
    message:
      'Unit: the layer must have an architecture() method, got none; return this.describe(Unit, { type: "Unit" })',
  });
});
