import assert from "node:assert/strict";
import { LossCurve } from "./loss_view.ts";

Deno.test("a curve keeps every loss to the last digit", () => {
  const curve = new LossCurve();
  assert.deepEqual([curve.recent, curve.validation], [undefined, undefined]);
  assert.deepEqual(curve.points(), { steps: [], training: [], validation: [] });
  curve.add({ losses: Float64Array.of(1 / 3), validation: [[0, 2]] });
  curve.add({ losses: Float64Array.of(0.1, 1e-7), validation: [[3, 0.7]] });
  assert.equal(curve.toCsv(), `step,loss,validation\n1,${1 / 3},\n2,0.1,\n3,1e-7,0.7\n`);
  assert.deepEqual(curve.points(), {
    steps: [0, 1, 2, 3],
    training: [null, 1 / 3, 0.1, 1e-7],
    validation: [2, null, null, 0.7],
  });
  assert.deepEqual([curve.steps, curve.validation], [3, 0.7]);
});

Deno.test("a curve can be rewound to an earlier step", () => {
  const curve = new LossCurve();
  curve.add({ losses: Float64Array.of(4, 3, 2, 1), validation: [[0, 5], [2, 4], [4, 3]] });
  curve.rewind(3);
  assert.deepEqual([curve.steps, curve.validation, curve.recent], [3, 4, 3]);
  curve.add({ losses: Float64Array.of(7), validation: [[4, 8]] });
  assert.equal(curve.toCsv(), "step,loss,validation\n1,4,\n2,3,4\n3,2,\n4,7,8\n");
  curve.rewind(9);
  assert.equal(curve.steps, 4);
});

Deno.test("many losses are drawn as means over equal intervals; the recent loss is the mean of the last hundred", () => {
  const curve = new LossCurve();
  const losses = Float64Array.from({ length: 3000 }, (_, i) => i);
  for (let from = 0; from < 3000; from += 700) curve.add({ losses: losses.slice(from, from + 700), validation: [] });
  const { steps, training } = curve.points();
  assert.equal(steps.length, 500);
  assert.deepEqual([steps[0], training[0], steps.at(-1), training.at(-1)], [6, 2.5, 3000, 2996.5]);
  assert.equal(curve.recent, 2949.5);
  assert.equal(curve.toCsv().split("\n").length, 3002);
});
