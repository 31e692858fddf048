import { Random } from "@unfold/core";
import assert from "node:assert/strict";

const N = 200_000;

function moments(draw: () => number): { mean: number; variance: number } {
  const values = Float64Array.from({ length: N }, draw);
  const mean = values.reduce((a, b) => a + b, 0) / N;
  return { mean, variance: values.reduce((total, value) => total + (value - mean) ** 2, 0) / N };
}

function correlation(a: () => number, b: () => number): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < N; i++) {
    const [x, y] = [a() - 0.5, b() - 0.5];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

Deno.test("xoshiro128** gives the published sequence", () => {
  // From the reference state 1, 2, 3, 4 the first outputs are 11520, 0, 5927040, 70819200 (the Rust rand project's test vector).
  const random = new Random(0);
  random.state = [1, 2, 3, 4];
  const bits = () => random.integer(2 ** 32);
  assert.deepEqual([bits(), bits(), bits(), bits()], [11520, 0, 5927040, 70819200]);
});

Deno.test("uniform and normal have the right mean and variance", () => {
  const random = new Random(5);
  const uniform = moments(() => random.uniform(-1, 3));
  assert.ok(Math.abs(uniform.mean - 1) < 0.01 && Math.abs(uniform.variance - 16 / 12) < 0.01);
  const normal = moments(() => random.normal(2, 3));
  assert.ok(Math.abs(normal.mean - 2) < 0.03 && Math.abs(normal.variance - 9) < 0.15);
});

Deno.test("uniform is exact in 32-bit floats and never reaches 1", () => {
  const random = new Random(6);
  for (let i = 0; i < 10_000; i++) {
    const value = random.uniform();
    assert.ok(Math.fround(value) === value && value >= 0 && value < 1);
  }
});

Deno.test("neighbouring seeds, split streams and successive draws do not correlate", () => {
  const [a, b] = [new Random(1), new Random(2)];
  const parent = new Random(3);
  const child = parent.split();
  const single = new Random(4);
  let last = single.uniform();
  const successive = () => [last, last = single.uniform()][0]!;
  const pairs: [string, number][] = [
    ["seeds", correlation(() => a.uniform(), () => b.uniform())],
    ["split", correlation(() => parent.uniform(), () => child.uniform())],
    ["lag", correlation(successive, () => last)],
  ];
  for (const [name, value] of pairs) assert.ok(Math.abs(value) < 4 / Math.sqrt(N), `${name}: ${value}`);
});

Deno.test("integers and permutations are equally likely", () => {
  const random = new Random(7);
  const counts = new Array<number>(6).fill(0);
  for (let i = 0; i < 60_000; i++) counts[random.integer(6)]!++;
  assert.ok(counts.every((count) => Math.abs(count - 10_000) < 400), String(counts));
  const orders = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = random.permutation(4).join();
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.equal(orders.size, 24);
  assert.ok([...orders.values()].every((count) => Math.abs(count - 1000) < 150));
});

Deno.test("all streams of a tree of splits differ, and the same seed gives the same tree", () => {
  const tree = () => {
    const root = new Random(8);
    const children = [root.split(), root.split()];
    const grandchildren = children.map((child) => child.split());
    return [root, ...children, ...grandchildren].map((random) => random.uniform());
  };
  assert.equal(new Set(tree()).size, 5);
  assert.deepEqual(tree(), tree());
});

Deno.test("seeds past 2³² differ from those below", () => {
  const [a, b] = [new Random(2 ** 40 + 1), new Random(1)];
  for (let i = 0; i < 4; i++) assert.notEqual(a.uniform(), b.uniform());
});

Deno.test("bad seeds, states and bounds are refused", () => {
  for (const seed of [-1, 0.5, NaN, 2 ** 53]) assert.throws(() => new Random(seed), RangeError);
  assert.throws(() => new Random(0).state = [0, 0, 0, 0], /four 32-bit integers, not all 0/);
  assert.throws(() => new Random(0).state = [2 ** 32, 0, 0, 0], RangeError);
  for (const bound of [0, 1.5, 2 ** 33]) assert.throws(() => new Random(0).integer(bound), RangeError);
});

Deno.test("many seeds all have different states", () => {
  const seeds = [...Array(20_000).keys()].flatMap((
    i,
  ) => [i, i * 2 ** 32, 2 ** 32 * (i % 7) + i * 2654435761 % 2 ** 32]);
  const unique = new Set(seeds);
  assert.equal(new Set([...unique].map((seed) => new Random(seed).state.join())).size, unique.size);
});

Deno.test("permutation refuses anything but an integer of 0 or more", () => {
  for (const n of [-1, 2.5, NaN]) {
    assert.throws(() => new Random(0).permutation(n), /n must be an integer of 0 or more/);
  }
});
