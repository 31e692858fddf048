/** A workload in jax-js: jax.ts WORKLOAD. */

import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "npm:@jax-js/jax@0.1.25";
import process from "node:process";
import { INPUTS, loadWorkload, numbers, serve, TARGETS, tokens } from "../_workload.ts";

const [name] = process.argv.slice(2) as [string];
const { cell, batch, time, vocabulary, input, hidden, layers, output, loss } = await loadWorkload(name);
await init("wasm");
defaultDevice("wasm");

type Params = {
  embedding?: np.Array;
  layers: { u: np.Array; w: np.Array; b: np.Array; c?: np.Array }[];
  v: np.Array;
  d: np.Array;
};
let place = 0;
const take = (...shape: number[]) => {
  const size = shape.reduce((a, b) => a * b);
  place += size;
  return np.array(numbers(size, place - size)).reshape(shape);
};
const gates = { lstm: 4, gru: 3, rnn: 1 }[cell];
const params: Params = {
  ...(vocabulary !== undefined && { embedding: take(vocabulary, input) }),
  layers: Array.from({ length: layers }, (_, layer) => ({
    u: take(layer === 0 ? input : hidden, gates * hidden),
    w: take(hidden, gates * hidden),
    b: take(gates * hidden),
    ...(cell === "gru" && { c: take(hidden) }),
  })),
  v: take(hidden, output),
  d: take(output),
};

// In jax-js, each use of an array except the last takes a reference.
function block(a: np.Array, index: number): np.Array {
  return a.ref.slice([], [index * hidden, (index + 1) * hidden]);
}

/** One step of a cell: from the input projection, the states and the weights to the next states. */
function step(x: np.Array, [h, c]: np.Array[], { w, c: bias }: Params["layers"][number]): np.Array[] {
  const r = np.matmul(h!.ref, w.ref);
  if (cell === "rnn") {
    h!.dispose();
    return [np.tanh(x.add(r))];
  }
  if (cell === "lstm") {
    const z = x.add(r);
    const [i, f, g, o] = [0, 1, 2, 3].map((gate) => block(z, gate));
    z.dispose();
    h!.dispose();
    const after = nn.sigmoid(f!).mul(c!).add(nn.sigmoid(i!).mul(np.tanh(g!)));
    return [nn.sigmoid(o!).mul(np.tanh(after.ref)), after];
  }
  const reset = nn.sigmoid(block(x, 0).add(block(r, 0)));
  const update = nn.sigmoid(block(x, 1).add(block(r, 1)));
  const candidate = np.tanh(block(x, 2).add(reset.mul(block(r, 2).add(bias!.ref))));
  x.dispose();
  r.dispose();
  return [candidate.ref.add(update.mul(h!.sub(candidate)))];
}

function lossOf({ embedding, layers, v, d }: Params, x: np.Array, y: np.Array): np.Array {
  // The backward pass of `take` cannot be compiled.
  let value = embedding === undefined ? x : np.matmul(nn.oneHot(x, vocabulary!), embedding);
  for (const [index, layer] of layers.entries()) {
    const products = np.matmul(value, layer.u).add(layer.b);
    let states = Array.from({ length: cell === "lstm" ? 2 : 1 }, () => np.zeros([batch, hidden]));
    const outputs: np.Array[] = [];
    for (let t = 0; t < time; t++) {
      states = step(products.ref.slice([], t), states, layer);
      if (loss === "each" || index < layers.length - 1) outputs.push(states[0]!.ref);
    }
    products.dispose();
    layer.w.dispose();
    layer.c?.dispose();
    states[1]?.dispose();
    if (outputs.length === 0) value = states[0]!;
    else {
      states[0]!.dispose();
      value = np.stack(outputs, 1);
    }
  }
  const prediction = np.matmul(value, v).add(d);
  if (loss === "mse") return np.square(prediction.sub(y)).mean();
  return nn.logSoftmax(prediction, -1).mul(nn.oneHot(y, output)).sum(-1).mean().mul(-1);
}

type State = { params: Params; first: Params; second: Params };
const update = jit(({ params, first, second }: State, rate: np.Array, x: np.Array, y: np.Array): [State, np.Array] => {
  const [value, gradient] = valueAndGrad(lossOf)(tree.ref(params), x, y) as unknown as [np.Array, Params];
  const m = tree.map((m: np.Array, g: np.Array) => m.mul(0.9).add(g.mul(0.1)), first, tree.ref(gradient));
  const s = tree.map((s: np.Array, g: np.Array) => s.mul(0.999).add(np.square(g).mul(0.001)), second, gradient);
  const moved = tree.map(
    (p: np.Array, m: np.Array, s: np.Array) => p.sub(rate.ref.mul(m).div(np.sqrt(s).add(1e-8))),
    params,
    tree.ref(m),
    tree.ref(s),
  );
  rate.dispose();
  return [{ params: moved, first: m, second: s } as unknown as State, value];
});

const x = vocabulary === undefined
  ? np.array(numbers(batch * time * input, INPUTS)).reshape([batch, time, input])
  : np.array(tokens(batch * time, vocabulary, INPUTS)).reshape([batch, time]);
const y = loss === "mse"
  ? np.array(numbers(batch * output, TARGETS)).reshape([batch, output])
  : np.array(tokens(loss === "each" ? batch * time : batch, output, TARGETS)).reshape(
    loss === "each" ? [batch, time] : [batch],
  );
const zeros = () => tree.map((p: np.Array) => np.zeros(p.shape), tree.ref(params)) as unknown as Params;
let state: State = { first: zeros(), second: zeros(), params };
let count = 0;

await serve(() => {
  count++;
  // Adam's bias corrections of both moments, in one factor.
  const rate = 1e-3 * Math.sqrt(1 - 0.999 ** count) / (1 - 0.9 ** count);
  const [next, value] = update(state, np.array(rate), x.ref, y.ref);
  state = next;
  return value.dataSync()[0]!;
});
