import assert from "node:assert/strict";
import { unfolding } from "./_unfolding.ts";
import { describeFlow, listUnfolding } from "./unfolded_view.ts";

Deno.test("the sentence says whether the gradient vanishes, fades, gets through or explodes", () => {
  const said = (first: number) => describeFlow([first, 0.5, 1]).split(":")[0];
  assert.deepEqual([0, 1e-5, 0.1, 0.9, 3, 40].map(said), [
    "The gradient vanishes",
    "The gradient vanishes",
    "The gradient fades",
    "The gradient gets through",
    "The gradient gets through",
    "The gradient explodes",
  ]);
  assert.equal(describeFlow([0.02, 2]), "The gradient fades: 1 step back, 1 part in 100 is left.");
  // The sentence mentions switched-off units only if no gradient gets through.
  assert.equal(describeFlow([1, 0], true), "There is no gradient: it is 0 at the last step.");
  assert.match(describeFlow([0, 0, 1], true), /every ReLU is off/);
  assert.match(describeFlow([0, 0, 1]), /^The gradient vanishes: 2 steps back, nothing is left/);
  assert.match(describeFlow([0.9, 1], true), /^The gradient gets through/);
});

Deno.test("the tables have every value drawn, and the ranges of the weights", () => {
  const { steps, weights } = listUnfolding(unfolding([0.5, 2]));
  assert.deepEqual(steps.rows, [
    ["1", "0.50", "x: 0.0 −0.50", "x: 0.25", "−3.0 1.0 0.0; −2.0 1.0 0.0"],
    ["2", "2.0", "x: 1.0 −0.50", "x: 0.25", "−3.0 1.0 0.0; −2.0 1.0 0.0"],
  ]);
  const size = ["1 × 1", "1 × 1", "0.0"];
  assert.deepEqual(weights.rows, [["U", ...size], ["W, layer 1", ...size], ["W, layer 2", ...size], ["V", ...size]]);
  assert.deepEqual([steps.head.length, weights.head.length], [5, 4]);
});
