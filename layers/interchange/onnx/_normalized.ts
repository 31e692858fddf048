import type { RecurrentPart } from "../../recurrent/recurrent.ts";
import type { LayerNodes, LayerValues, OnnxCell } from "../_cells.ts";
import type { OnnxValue } from "./graph.ts";
import type { Ops } from "./_ops.ts";

/**
 * A layer with layer normalisation inside its cell: [time, batch, features] → [time, batch, directions·hidden]. ONNX's own
 * recurrent operators have none, so the cell is written out, as the body of a `Scan` over the time steps.
 */
export function normalizedNodes(
  cell: OnnxCell,
  sequence: OnnxValue,
  { ops, parts, states }: LayerNodes,
): LayerValues {
  const hidden = parts[0]!.weights.recurrentWeight.shape[0]!;
  const made = parts.map((part, direction) => {
    const before = cell.states.map((_, i) => {
      return states === undefined
        ? zeroState(sequence, hidden, ops)
        : ops.squeeze(ops.slice(states[i]!, direction, direction + 1), 0);
    });
    return partNodes(cell, sequence, { part, ops, reverse: direction === 1, states: before });
  });
  return {
    output: ops.concat(made.map(({ output }) => output), 2),
    states: cell.states.map((_, i) => ops.concat(made.map(({ states }) => ops.unsqueeze(states[i]!, 0)), 0)),
  };
}

/** Zeros, [batch, hidden]. */
function zeroState(sequence: OnnxValue, hidden: number, ops: Ops): OnnxValue {
  const { graph } = ops;
  const shape = ops.concat([ops.lengthOf(sequence, 1, { keep: true }), graph.integers([hidden])], 0);
  return graph.node("ConstantOfShape", [shape], { shape: [sequence.shape[1]!, hidden] });
}

/** One direction: [time, batch, features] → [time, batch, hidden], and the states after, [batch, hidden]. */
function partNodes(
  cell: OnnxCell,
  sequence: OnnxValue,
  { part, ops, reverse, states }: {
    readonly part: RecurrentPart;
    readonly ops: Ops;
    readonly reverse: boolean;
    readonly states: readonly OnnxValue[];
  },
): LayerValues {
  const { graph } = ops;
  const hidden = part.weights.recurrentWeight.shape[0]!;
  const weights: Weights = Object.fromEntries(
    Object.entries(part.weights).map(([name, parameter]) => [name, graph.parameter(parameter)]),
  );
  const blocks = cell.blocks.map((gates) => gates * hidden);
  const gains = ops.split(weights.inputGain!, blocks);
  const products = ops.split(ops.matmul(sequence, weights.inputWeight!), blocks);
  const normalized = ops.concat(products.map((product, i) => ops.norm(product, gains[i]!)), 2);
  const inputs = [weights.bias === undefined ? normalized : ops.same("Add", normalized, weights.bias)];
  if (graph.lengths !== undefined) inputs.push(validSteps(sequence, graph.lengths, ops));

  const step = stepOf(cell, weights, blocks, ops);
  const perStep = inputs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const body = graph.body([...states, ...perStep], (given) => {
    const before = given.slice(0, states.length);
    const [x, isValid] = given.slice(states.length);
    const after = step(x!, before);
    if (isValid === undefined) return [...after, ops.same("Identity", after[0]!)];
    const kept = after.map((state, i) => ops.where(isValid, state, before[i]!));
    return [...kept, ops.where(isValid, after[0]!, ops.number(0))];
  });
  const made = graph.nodeOf("Scan", [...states, ...inputs], {
    outputs: [...states, { shape: sequence.shape.with(2, hidden) }],
    attributes: {
      body,
      num_scan_inputs: inputs.length,
      scan_input_directions: inputs.map(() => Number(reverse)),
      scan_output_directions: [Number(reverse)],
    },
  });
  return { output: made.at(-1)!, states: made.slice(0, -1) };
}

type Weights = { readonly [Name in keyof RecurrentPart["weights"]]?: OnnxValue };

/** Whether each time step lies before the end of its sequence, [time, batch, 1]. */
function validSteps(sequence: OnnxValue, lengths: OnnxValue, ops: Ops): OnnxValue {
  const { graph } = ops;
  const [time, batch] = sequence.shape as [number | string, number | string];
  const count = ops.lengthOf(sequence, 0, { keep: false });
  const steps = graph.node("Range", [graph.integers(0), count, graph.integers(1)], { shape: [time], dtype: "i64" });
  const isBefore = ops.compare("Less", ops.unsqueeze(steps, 1), ops.toInt64(lengths), [time, batch]);
  return ops.unsqueeze(isBefore, 2);
}

/** The equations that stand at `SimpleRNN`, `LSTM` and `GRU`, for one time step; x is normalised and has its bias. */
function stepOf(
  { op, activation, resetAfter }: OnnxCell,
  weights: Weights,
  blocks: readonly number[],
  ops: Ops,
): (x: OnnxValue, states: readonly OnnxValue[]) => OnnxValue[] {
  const { recurrentBias, cellGain, cellBias } = weights;
  const recurrentWeights = ops.split(weights.recurrentWeight!, blocks);
  const gains = ops.split(weights.recurrentGain!, blocks);
  const product = (state: OnnxValue, block: number) =>
    ops.norm(ops.matmul(state, recurrentWeights[block]!), gains[block]!);
  const gatesOf = (x: OnnxValue, count: number) =>
    ops.split(x, Array<number>(count).fill(x.shape.at(-1) as number / count)) as [
      OnnxValue,
      OnnxValue,
      OnnxValue,
      OnnxValue,
    ];
  const add = (a: OnnxValue, b: OnnxValue) => ops.same("Add", a, b);
  const multiply = (a: OnnxValue, b: OnnxValue) => ops.same("Mul", a, b);
  const sigmoid = (x: OnnxValue) => ops.same("Sigmoid", x);
  const tanh = (x: OnnxValue) => ops.same("Tanh", x);

  if (op === "RNN") return (x, [s]) => [ops.same(activation!, add(x, product(s!, 0)))];
  if (op === "LSTM") {
    return (x, [h, c]) => {
      const [i, f, g, o] = gatesOf(add(x, product(h!, 0)), 4);
      const cell = add(multiply(sigmoid(f), c!), multiply(sigmoid(i), tanh(g)));
      return [multiply(sigmoid(o), tanh(ops.norm(cell, cellGain!, { bias: cellBias }))), cell];
    };
  }
  return (x, [h]) => {
    const [xr, xz, xn] = gatesOf(x, 3);
    const [hr, hz] = gatesOf(product(h!, 0), 2);
    const [r, z] = [sigmoid(add(xr, hr)), sigmoid(add(xz, hz))];
    const biased = (value: OnnxValue) => recurrentBias === undefined ? value : add(value, recurrentBias);
    const n = tanh(add(xn, resetAfter ? multiply(r, biased(product(h!, 1))) : product(multiply(r, h!), 1)));
    return [add(n, multiply(z, ops.same("Sub", h!, n)))];
  };
}
