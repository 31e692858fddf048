import { Random } from "@unfold/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { conformalInterval, intervalCoverage } from "./intervals.ts";

const TRIALS = 4000;

for (const [n, coverage] of [[9, 0.9], [19, 0.9], [30, 0.8], [50, 0.5], [25, 0.95]] as const) {
  Deno.test(`intervals from ${n} residuals have a coverage of at least ${coverage}, and not much more`, () => {
    const random = new Random(n);
    // Skewed, biased and heteroscedastic: far from normal errors.
    const error = () => (0.3 - Math.log(1 - random.uniform())) * (random.uniform() < 0.2 ? 5 : 1);
    const actual = Float64Array.from({ length: TRIALS }, error);
    const [low, high] = [new Float64Array(TRIALS), new Float64Array(TRIALS)];
    for (let trial = 0; trial < TRIALS; trial++) {
      const interval = conformalInterval(Float64Array.from({ length: n }, error), { coverage });
      const ends = interval.around([0]);
      [low[trial], high[trial]] = [ends.low[0]!, ends.high[0]!];
    }
    const found = intervalCoverage({ low, high }, actual).coverage;
    // Lei et al. (2018), theorem 2.1: without ties at most 1/(n + 1) more; three standard deviations for the trials.
    const noise = 3 * Math.sqrt(coverage * (1 - coverage) / TRIALS);
    assert.ok(found >= coverage - noise && found <= coverage + 1 / (n + 1) + noise, `${found}`);
  });
}

Deno.test("the radius is the ⌈(n + 1)·coverage⌉-th smallest magnitude", () => {
  const residuals = Float64Array.from({ length: 99 }, (_, i) => (i % 2 === 0 ? 1 : -1) * (99 - i));
  // 100 · 0.07 and 100 · 0.57 are not integers in 64-bit floats
  for (const [coverage, radius] of [[0.9, 90], [0.07, 7], [0.57, 57], [0.501, 51], [0.99, 99]] as const) {
    assert.equal(conformalInterval(residuals, { coverage }).radius, radius);
  }
  assert.equal(conformalInterval(residuals).radius, 90);
  assert.deepEqual(residuals[0], 99);
});

Deno.test("too few residuals are refused, and the message says how many are needed", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 999 }), (thousandths) => {
    const coverage = thousandths / 1000;
    const needed = Math.ceil(thousandths / (1000 - thousandths));
    assert.equal(conformalInterval(new Float64Array(needed).fill(2), { coverage }).radius, 2);
    const count = needed - 1;
    assert.throws(() => conformalInterval(new Float64Array(count), { coverage }), {
      name: "RangeError",
      message: `Cannot make an interval: a coverage of ${coverage} needs at least ${needed} residuals, got ${count}`,
    });
  }));
});

Deno.test("a coverage out of range and residuals that are not finite are refused", () => {
  for (const coverage of [0, 1, NaN]) {
    assert.throws(() => conformalInterval([1], { coverage }), {
      name: "RangeError",
      message: `Cannot make an interval: coverage must be above 0 and below 1, got ${coverage}`,
    });
  }
  assert.throws(() => conformalInterval([1, -Infinity]), {
    name: "RangeError",
    message: "Cannot make an interval: calibrationResiduals[1] must be a finite number, got -Infinity",
  });
});
