import {
  add,
  concat,
  matmul,
  multiply,
  relu,
  scope,
  sigmoid,
  slice,
  subtract,
  sum,
  tanh,
  type Tensor,
  zeros,
} from "@unfold/core";
import { checkCell } from "../testing.ts";
import assert from "node:assert/strict";
import type { LayerArchitecture } from "../layer.ts";
import { type Cell, defineCell } from "./cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** A layer of any cell. */
class Own<State extends Readonly<Record<string, Tensor>>> extends Recurrent<State> {
  constructor(cell: Cell, options: RecurrentOptions) {
    super(cell, options);
  }

  architecture(): LayerArchitecture {
    return this.describe(Own, { type: "Own" });
  }
}

/** The columns of one of several gates. */
function gate(x: Tensor, index: number, count: number): Tensor {
  const axis = x.shape.length - 1;
  const size = x.shape[axis]! / count;
  return slice(x, { axis, start: index * size, end: (index + 1) * size });
}

const peephole = defineCell({
  name: "Peephole",
  gates: { forget: { activation: "linear", bias: 1 }, candidate: "tanh" },
  states: ["hidden", "cell"],
  weights: { peephole: 0.5 },
  saved: ["share"],
  // f = σ(forget + p ⊙ c), c ← f ⊙ c + candidate, h = c: a gate that sees the cell state through a weight of its own.
  forward({ size, hidden, gates, before, after, saved, weights }) {
    const [f, g, c, p] = [gates.forget.data, gates.candidate.data, before.cell.data, weights.peephole.data];
    const [next, output, share] = [after.cell.data, after.hidden.data, saved.share.data];
    for (let i = 0; i < size; i++) {
      share[i] = 1 / (1 + Math.exp(-f[i]! - p[i % hidden]! * c[i]!));
      output[i] = next[i] = share[i]! * c[i]! + g[i]!;
    }
  },
  backward({ size, hidden, before, saved, weights, dAfter, dGates, dBefore, dWeights }) {
    const [c, p, share] = [before.cell.data, weights.peephole.data, saved.share.data];
    const [df, dg, dp, dc] = [
      dGates.forget.data,
      dGates.candidate.data,
      dWeights.peephole.data,
      dBefore.cell.data,
    ];
    const [dOutput, dCell] = [dAfter.hidden.data, dAfter.cell.data];
    for (let i = 0; i < size; i++) {
      const d = dOutput[i]! + dCell[i]!;
      const slope = d * c[i]! * share[i]! * (1 - share[i]!);
      df[i] = slope;
      dg[i] = d;
      dp[i] = slope * c[i]!;
      dc[i]! += d * share[i]! + slope * p[i % hidden]!;
    }
  },
});

Deno.test("a cell with a weight of its own, saved values and two states conforms", () =>
  checkCell<"hidden" | "cell">({
    layer: (options) => new Own(peephole, options),
    composed: (x, { hidden, cell }, { inputWeight, recurrentWeight, bias, peephole }) => {
      const products = add(add(matmul(x, inputWeight), matmul(hidden, recurrentWeight)), bias);
      const f = sigmoid(add(gate(products, 0, 2), multiply(peephole!, cell)));
      const next = add(multiply(f, cell), tanh(gate(products, 1, 2)));
      return { hidden: next, cell: next };
    },
  }));

/** h ← relu(a·b) + c, where the gates see the state, the input or both, in an order that keeps the columns of both apart. */
const sources = defineCell({
  name: "Sources",
  gates: {
    first: { activation: "sigmoid", of: "both" },
    input: { activation: "tanh", of: "input", bias: -0.5 },
    state: { activation: "linear", of: "state", bias: 0.5 },
    last: { activation: "relu", of: "both" },
  },
  states: ["hidden"],
  forward({ size, gates, after }) {
    const [a, b, c, d] = [gates.first.data, gates.input.data, gates.state.data, gates.last.data];
    const next = after.hidden.data;
    for (let i = 0; i < size; i++) next[i] = a[i]! * b[i]! + 0.3 * c[i]! + 0.1 * d[i]!;
  },
  backward({ size, gates, dAfter, dGates }) {
    const [a, b, d] = [gates.first.data, gates.input.data, dAfter.hidden.data];
    const [da, db, dc, dd] = [dGates.first.data, dGates.input.data, dGates.state.data, dGates.last.data];
    for (let i = 0; i < size; i++) {
      da[i] = d[i]! * b[i]!;
      db[i] = d[i]! * a[i]!;
      dc[i] = 0.3 * d[i]!;
      dd[i] = 0.1 * d[i]!;
    }
  },
});

Deno.test("gates of the input, of the state and of both conform in any order", async () => {
  await checkCell<"hidden">({
    layer: (options) => new Own(sources, options),
    composed: (x, { hidden }, { inputWeight, recurrentWeight, bias, recurrentBias }) => {
      const fromInput = add(matmul(x, inputWeight), bias);
      const fromState = matmul(hidden, recurrentWeight);
      const a = sigmoid(add(gate(fromInput, 0, 3), gate(fromState, 0, 3)));
      const b = tanh(gate(fromInput, 1, 3));
      const c = add(gate(fromState, 1, 3), recurrentBias);
      const d = relu(add(gate(fromInput, 2, 3), gate(fromState, 2, 3)));
      return { hidden: add(add(multiply(a, b), scaled(c, 0.3)), scaled(d, 0.1)) };
    },
  });
  const { bias, recurrentBias } = new Own(sources, { inputSize: 2, hiddenSize: 2 }).parameters();
  assert.deepEqual([...bias!.data, ...recurrentBias!.data], [0, 0, -0.5, -0.5, 0, 0, 0.5, 0.5]);
});

function scaled(x: Tensor, factor: number): Tensor {
  const factors = zeros(x.shape);
  factors.data.fill(factor);
  return multiply(x, factors);
}

const heads = defineCell({
  name: "Heads",
  gates: { a: "sigmoid", b: "tanh", c: { activation: "linear", of: "state" } },
  states: ["hidden"],
  heads: 3,
  forward({ size, gates, before, after }) {
    const [a, b, c, h] = [gates.a.data, gates.b.data, gates.c.data, before.hidden.data];
    const next = after.hidden.data;
    for (let i = 0; i < size; i++) next[i] = a[i]! * h[i]! + (1 - a[i]!) * b[i]! + 0.1 * c[i]!;
  },
  backward({ size, gates, before, dAfter, dGates, dBefore }) {
    const [a, b, h, d] = [gates.a.data, gates.b.data, before.hidden.data, dAfter.hidden.data];
    const [da, db, dc, dh] = [dGates.a.data, dGates.b.data, dGates.c.data, dBefore.hidden.data];
    for (let i = 0; i < size; i++) {
      da[i] = d[i]! * (h[i]! - b[i]!);
      db[i] = d[i]! * (1 - a[i]!);
      dc[i] = 0.1 * d[i]!;
      dh[i]! += d[i]! * a[i]!;
    }
  },
});

Deno.test("a cell with heads conforms: W connects only features of the same head", () =>
  checkCell<"hidden">({
    layer: (options) => new Own(heads, options),
    hiddenSize: 9,
    composed: (x, { hidden }, { inputWeight, recurrentWeight, bias, recurrentBias }) => {
      const fromInput = add(matmul(x, inputWeight), bias);
      // A head's rows of W hold its columns of all gates.
      const perHead = [0, 1, 2].map((head) => {
        const rows = slice(recurrentWeight, { start: 3 * head, end: 3 * head + 3 });
        return matmul(slice(hidden, { axis: 1, start: 3 * head, end: 3 * head + 3 }), rows);
      });
      const fromState = (index: number) => concat(perHead.map((product) => gate(product, index, 3)), { axis: 1 });
      const a = sigmoid(add(gate(fromInput, 0, 2), fromState(0)));
      const b = tanh(add(gate(fromInput, 1, 2), fromState(1)));
      const c = add(fromState(2), recurrentBias);
      return { hidden: add(add(b, multiply(a, subtract(hidden, b))), scaled(c, 0.1)) };
    },
  }));

const sizes = { inputSize: 2, hiddenSize: 3 };
const nothing = { forward() {}, backward() {} };

Deno.test("a cell of more gates than a kernel call takes computes all of them", () => {
  using _ = scope();
  const names = Array.from({ length: 17 }, (_, i) => `g${i}`);
  const cell = defineCell({
    name: "Wide",
    gates: Object.fromEntries(names.map((name, i) => [name, { activation: "linear", bias: i } as const])),
    states: ["hidden"],
    ...nothing,
    forward({ size, gates, after }) {
      const next = after.hidden.data.fill(0);
      names.forEach((name, k) => {
        const { data } = gates[name]!;
        for (let i = 0; i < size; i++) next[i]! += (k + 1) * data[i]!;
      });
    },
    backward({ dAfter, dGates }) {
      names.forEach((name, k) => dGates[name]!.data.set(dAfter.hidden.data.map((d) => (k + 1) * d)));
    },
  });
  const layer = new Own(cell, sizes);
  const output = layer.forward(zeros([1, 1, 2]));
  const expected = names.reduce((total, _, i) => total + (i + 1) * i, 0);
  assert.deepEqual([...output.data], [expected, expected, expected]);
  sum(output).backward();
  assert.deepEqual([...layer.parameters().bias!.grad.data], names.flatMap((_, i) => [i + 1, i + 1, i + 1]));
});

Deno.test("a cell whose gates do not see the state has no W, and refuses recurrent dropout", () => {
  const cell = defineCell({
    name: "Feedforward",
    gates: { value: { activation: "tanh", of: "input" } },
    states: ["hidden"],
    forward: ({ gates, after }) => after.hidden.data.set(gates.value.data),
    backward: ({ dAfter, dGates }) => dGates.value.data.set(dAfter.hidden.data),
  });
  const layer = new Own(cell, { ...sizes, layerNorm: true });
  assert.deepEqual(Object.keys(layer.parameters()), ["inputWeight", "bias", "inputGain"]);
  assert.throws(() => layer.recurrentWeight, {
    name: "TypeError",
    message: "Cannot get recurrentWeight: a gate of Feedforward must see the state, got none",
  });
  assert.throws(() => new Own(cell, { ...sizes, recurrentDropout: 0.5 }), {
    name: "TypeError",
    message: "Cannot make Feedforward: recurrentDropout must be 0 for a cell whose gates do not see the state, got 0.5",
  });
});

Deno.test("a definition in place of a cell is refused", () => {
  const definition = { name: "Plain", gates: { a: "tanh" }, states: ["hidden"], ...nothing };
  assert.throws(() => new Own(definition as unknown as Cell, sizes), {
    name: "TypeError",
    message:
      "Cannot make a recurrent layer: the cell must come from defineCell(), got an object; pass it its definition",
  });
});

Deno.test("heads must divide the state, and refuse layer normalization", () => {
  assert.throws(() => new Own(heads, { inputSize: 2, hiddenSize: 4 }), {
    name: "RangeError",
    message: "Cannot make Heads: hiddenSize must be a multiple of the 3 heads, got 4",
  });
  assert.throws(() => new Own(heads, { ...sizes, layerNorm: true }), {
    name: "TypeError",
    message: "Cannot make Heads: layerNorm must be false for a cell with several heads, got true",
  });
});

Deno.test("a definition that contradicts itself is refused", () => {
  const good = { name: "Bad", gates: { a: "tanh", b: "sigmoid" }, states: ["hidden"], ...nothing } as const;
  const refuses = (change: Record<string, unknown>, message: string, name = "TypeError") =>
    assert.throws(() => defineCell({ ...good, ...change } as never), {
      name,
      message: `Cannot define the cell Bad: ${message}`,
    });
  refuses({ gates: {} }, "it must have a gate that sees the input, got none");
  refuses({ gates: { a: { activation: "tanh", of: "state" } } }, "it must have a gate that sees the input, got none");
  refuses(
    { gates: { a: "gelu" } },
    'the activation of gate "a" must be one of "linear", "sigmoid", "tanh", "relu", got "gelu"',
  );
  refuses(
    { gates: { a: { activation: "tanh", of: "output" } } },
    'the source of gate "a" must be one of "both", "input", "state", got "output"',
  );
  refuses({ states: [] }, "it must have a state, the hidden one, got none");
  refuses({ states: ["hidden", "hidden"] }, 'the names of its states must differ, got "hidden, hidden"');
  refuses({ heads: 0 }, "heads must be an integer of 1 or more, got 0", "RangeError");
  refuses({ blocks: [["b"], ["a"]] }, 'blocks must name each gate once, in their order, got "b, a"');
  refuses({ weights: { bias: 0 } }, 'the name of a weight must not be one that the layer uses, got "bias"');
  refuses({ weights: { hiddenGain: 0 } }, 'the name of a weight must not be one that the layer uses, got "hiddenGain"');
  refuses({ normalized: "cell" }, 'normalized must be a state, got "cell"');
  const late = (gates: string[]) => ({ late: { gates, ...nothing } });
  refuses(late(["c"]), 'late gates must be gates, got "c"');
  refuses(late(["a"]), 'late gates must come after the others, got "a"');
  refuses(late(["a", "b"]), 'late gates must come after the others, got "a, b"');
  refuses({ ...late(["b"]), heads: 2 }, "a cell with late gates must have 1 head, got 2");
  refuses(
    { ...late(["b"]), gates: { a: "tanh", b: { activation: "tanh", of: "input" } } },
    'late gates must be of "both", like all others, got "b" of "input"',
  );
});
