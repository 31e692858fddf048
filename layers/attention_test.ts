import { Random, scope, sum, type Tensor, tensor, zeros } from "@unfold/core";
import { assertClose, checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Attention, type AttentionOptions } from "./attention.ts";

type Vector = number[];

function dot(a: Vector, b: Vector): number {
  return a.reduce((total, value, i) => total + value * b[i]!, 0);
}

/** Rows of the last axis. */
function rowsOf({ shape, data }: Oracle): Vector[] {
  const size = shape.at(-1)!;
  return Array.from({ length: data.length / size }, (_, row) => [...data.subarray(row * size, (row + 1) * size)]);
}

/** x·W for one row. */
function times(x: Vector, weight: Oracle): Vector {
  const [k, n] = weight.shape as [number, number];
  return Array.from({ length: n }, (_, j) => dot(x, Array.from({ length: k }, (_, p) => weight.data[p * n + j]!)));
}

/** The context in 64-bit floats, query by query. */
function oracle(lengths: readonly number[] | undefined, [query, memory, ...weights]: readonly Oracle[]): Oracle {
  const [batch, queries] = query!.shape as [number, number];
  const [, time, features] = memory!.shape as [number, number, number];
  const score = (q: Vector, m: Vector) => {
    if (weights.length === 0) return dot(q, m) / Math.sqrt(features);
    const [fromQuery, fromMemory] = [times(q, weights[0]!), times(m, weights[1]!)];
    return times(fromQuery.map((value, i) => Math.tanh(value + fromMemory[i]!)), weights[2]!)[0]!;
  };
  const rows = rowsOf(query!).flatMap((q, row) => {
    const sequence = Math.floor(row / queries);
    const read = rowsOf(memory!).slice(sequence * time, sequence * time + (lengths?.[sequence] ?? time));
    const shares = read.map((m) => Math.exp(score(q, m)));
    const all = shares.reduce((a, b) => a + b);
    return Array.from({ length: features }, (_, i) => {
      return read.reduce((total, m, t) => total + shares[t]! / all * m[i]!, 0);
    });
  });
  return { shape: [batch, queries, features], data: Float64Array.from(rows) };
}

const size = fc.integer({ min: 1, max: 5 });

for (const score of ["dot", "additive"] as const) {
  Deno.test(`Attention, ${score}: context and gradients match a Float64 oracle, with and without padding`, () => {
    const sizes = fc.record({
      batch: size,
      queries: size,
      time: size,
      querySize: size,
      memorySize: size,
      hiddenSize: size,
    });
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.nat(1e6), (drawn, padded, seed) => {
        const { batch, queries, time, memorySize, hiddenSize } = drawn;
        const querySize = score === "dot" ? memorySize : drawn.querySize;
        const random = new Random(seed);
        const lengths = padded ? Array.from({ length: batch }, () => 1 + random.integer(time)) : undefined;
        const attention = new Attention({ querySize, memorySize, score, hiddenSize, random });
        const exact = Object.values(attention.parameters()).map(({ shape, data }) => {
          return { shape, data: Float64Array.from(data) };
        });
        const options = lengths === undefined ? {} : { lengths };
        checkOp({
          op: (query, memory) => attention.attend(query!, memory!, options).context,
          oracle: (...inputs) => oracle(lengths, [...inputs, ...exact]),
          shapes: [[batch, queries, querySize], [batch, time, memorySize]],
          seed,
        });

        if (score === "dot") return;
        using _ = scope();
        Object.values(attention.parameters()).forEach((parameter) => parameter.zeroGrad());
        const [query, memory] = [[batch, queries, querySize], [batch, time, memorySize]].map((shape) => {
          return tensor(Float32Array.from({ length: shape[0]! * shape[1]! * shape[2]! }, () => random.normal()), {
            shape,
          });
        }) as [Tensor, Tensor];
        sum(attention.attend(query, memory, options).context).backward();
        const inputs = [query, memory].map(({ shape, data }) => ({ shape, data: Float64Array.from(data) }));
        const total = () => oracle(lengths, [...inputs, ...exact]).data.reduce((a, b) => a + b);
        Object.entries(attention.parameters()).forEach(([name, parameter], index) => {
          const { data } = exact[index]!;
          const differences = data.map((value, i) => {
            data[i] = value + 1e-5;
            const above = total();
            data[i] = value - 1e-5;
            const below = total();
            data[i] = value;
            return (above - below) / 2e-5;
          });
          assertClose(parameter.grad.data, differences, { name });
        });
      }),
      { numRuns: 30 },
    );
  });
}

for (const score of ["dot", "additive"] as const) {
  Deno.test(`Attention, ${score}: the contents of the padding do not matter, not even NaN or infinity`, () => {
    const run = (padding: number) => {
      using _ = scope();
      const attention = new Attention({ querySize: 2, memorySize: 2, score, random: new Random(1) });
      const query = tensor([[[1, 2]]], { requiresGrad: true });
      const memory = tensor([[[1, 2], [padding, padding]]], { requiresGrad: true });
      const { context, weights } = attention.attend(query, memory, { lengths: [1] });
      sum(context).backward();
      return [context, weights, query.grad!, memory.grad!].map(({ data }) => [...data]);
    };
    for (const padding of [NaN, Infinity, 1e30]) assert.deepEqual(run(padding), run(0));
  });
}

Deno.test("Attention: a seeded Random determines the initial weights", () => {
  const make = () => new Attention({ querySize: 2, memorySize: 2, score: "additive", random: new Random(1) });
  const values = () => Object.values(make().parameters()).map(({ data }) => [...data]);
  assert.deepEqual(values(), values());
});

Deno.test("Attention: large scores do not overflow, and padding gets no weight", () => {
  using _ = scope();
  const attention = new Attention({ querySize: 1, memorySize: 1 });
  const memory = tensor([[[1e4], [-1e4], [3e4]], [[-1e15], [-3e15], [0]]]);
  const { context, weights } = attention.attend(tensor([[[1]], [[1]]]), memory, { lengths: [2, 2] });
  assert.deepEqual(weights.toArray(), [[[1, 0, 0]], [[1, 0, 0]]]);
  assert.deepEqual(context.toArray(), [[[1e4]], [[Math.fround(-1e15)]]]);
});

Deno.test("Attention: parameters are named, and wrong sizes and inputs are rejected", () => {
  const sizes = { querySize: 2, memorySize: 3 };
  const additive = new Attention({ ...sizes, score: "additive" });
  assert.deepEqual(
    Object.entries(additive.parameters()).map(([name, { shape }]) => [name, ...shape]),
    [["query.weight", 2, 3], ["memory.weight", 3, 3], ["score.weight", 3, 1]],
  );
  assert.deepEqual(new Attention({ querySize: 3, memorySize: 3 }).parameters(), {});
  const rejects = (options: AttentionOptions, message: string) =>
    assert.throws(() => new Attention(options), { name: "RangeError", message: `Cannot make Attention: ${message}` });
  rejects(sizes, "querySize and memorySize must be equal for the dot product, got 2 and 3");
  rejects({ ...sizes, querySize: 0 }, "querySize must be an integer of 1 or more, got 0");
  rejects({ ...sizes, score: "additive", hiddenSize: 0.5 }, "hiddenSize must be an integer of 1 or more, got 0.5");
  rejects({ ...sizes, score: "cosine" as "dot" }, 'score must be "dot" or "additive", got "cosine"');
  const [query, memory] = [zeros([2, 1, 2]), zeros([2, 4, 3])];
  assert.throws(() => additive.attend(zeros([2, 1, 3]), memory), {
    message: "Cannot attend: query must have shape [batch, queries, querySize = 2], got [2, 1, 3]",
  });
  assert.throws(() => additive.attend(query, zeros([1, 4, 3])), {
    message: "Cannot attend: memory must have shape [batch = 2, time, memorySize = 3], got [1, 4, 3]",
  });
  assert.throws(() => additive.attend(query, memory, { lengths: [4] }), /one for each of 2 sequences, got 1/);
  assert.throws(
    () => additive.attend(query, memory, { lengths: [4, 0] }),
    /integers from 1 to the 4 time steps, got 0/,
  );
});
