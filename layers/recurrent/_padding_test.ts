import { tensor } from "@unfold/core";
import assert from "node:assert/strict";
import { Padding } from "./_padding.ts";

const all = { from: 0, count: 3 };

Deno.test("Padding: at each time step the rows of ended sequences are zeroed, and no others", () => {
  const padding = new Padding([2, 0, 1]);
  const at = (t: number) => {
    using table = tensor([[1, 2], [3, 4], [5, 6]]);
    padding.zeroRows(t, all, table.offset, 2);
    return table.toArray();
  };
  assert.deepEqual(at(0), [[1, 2], [0, 0], [5, 6]]);
  assert.deepEqual(at(1), [[1, 2], [0, 0], [0, 0]]);
  assert.deepEqual(at(2), [[0, 0], [0, 0], [0, 0]]);
});

Deno.test("Padding: at each time step the rows of ended sequences are copied, and no others", () => {
  const padding = new Padding([2, 0, 1]);
  using from = tensor([[1, 2], [3, 4], [5, 6]]);
  using to = tensor([[7, 7], [7, 7], [7, 7]]);
  padding.copyRows(0, all, from.offset, to.offset, 2);
  assert.deepEqual(to.toArray(), [[7, 7], [3, 4], [7, 7]]);
  padding.copyRows(1, all, from.offset, to.offset, 2);
  assert.deepEqual(to.toArray(), [[7, 7], [3, 4], [5, 6]]);
});

Deno.test("Padding: at each time step the rows of ended sequences are added, and no others", () => {
  const padding = new Padding([2, 0, 1]);
  using from = tensor([[1, 2], [3, 4], [5, 6]]);
  using to = tensor([[7, 7], [7, 7], [7, 7]]);
  padding.addRows(1, all, from.offset, to.offset, 2);
  assert.deepEqual(to.toArray(), [[7, 7], [10, 11], [12, 13]]);
  padding.addRows(1, { from: 2, count: 1 }, from.offset, to.offset, 2);
  assert.deepEqual(to.toArray(), [[7, 7], [10, 11], [17, 19]]);
});

Deno.test("Padding: only the rows asked for are zeroed or copied", () => {
  const padding = new Padding([0, 0, 0]);
  using from = tensor([[1, 2], [3, 4], [5, 6]]);
  using to = tensor([[7, 7], [7, 7], [7, 7]]);
  padding.copyRows(0, { from: 1, count: 1 }, from.offset, to.offset, 2);
  assert.deepEqual(to.toArray(), [[7, 7], [3, 4], [7, 7]]);
  padding.zeroRows(0, { from: 1, count: 2 }, to.offset, 2);
  assert.deepEqual(to.toArray(), [[7, 7], [0, 0], [0, 0]]);
});

Deno.test("Padding: zeroSteps clears the time steps after each sequence", () => {
  using x = tensor([[[1], [2]], [[3], [4]], [[5], [6]]]);
  new Padding([1, 0, 2]).zeroSteps(x);
  assert.deepEqual(x.toArray(), [[[1], [0]], [[0], [0]], [[5], [6]]]);
});

Deno.test("Padding: without lengths nothing is padded", () => {
  using x = tensor([[[1], [2]]]);
  const padding = new Padding();
  padding.zeroSteps(x);
  padding.zeroRows(1, { from: 0, count: 1 }, x.offset, 2);
  assert.deepEqual(x.toArray(), [[[1], [2]]]);
});

Deno.test("Padding: changing the caller's lengths afterwards changes nothing", () => {
  const lengths = [1];
  const padding = new Padding(lengths);
  lengths[0] = 2;
  using x = tensor([[[1], [2]]]);
  padding.zeroSteps(x);
  assert.deepEqual(x.toArray(), [[[1], [0]]]);
});
