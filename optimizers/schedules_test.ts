import { constant, cosineDecay, exponentialDecay, join, linearWarmup, oneCycle, stepDecay } from "@unfold/optimizers";
import assert from "node:assert/strict";

Deno.test("schedules give the right rates at their ends", () => {
  assert.deepEqual([1, 2, 50].map(linearWarmup(3, 1)), [3, 3, 3]);
  assert.ok(Math.abs(oneCycle(1, 10, { riseFraction: 1 })(10) - 1) < 1e-12);
  assert.equal(oneCycle(1, 10)(10), oneCycle(1, 10)(1000));
});

Deno.test("schedules check their options, and zero counts as a value", () => {
  const positive = "a finite number above 0, got";
  const least = "a finite number of 0 or more, got -1";
  const refuses: [make: () => unknown, message: string][] = [
    [() => constant(-1), "Cannot make constant: rate must be a finite number of 0 or more, got -1"],
    [() => stepDecay(1, { every: 0 }), "Cannot make stepDecay: every must be an integer of 1 or more, got 0"],
    [
      () => exponentialDecay(1, { factor: 0.5, every: 0 }),
      "Cannot make exponentialDecay: every must be a finite number above 0, got 0",
    ],
    [() => cosineDecay(1, 0), "Cannot make cosineDecay: steps must be a finite number of 1 or more, got 0"],
    [
      () => cosineDecay(1, 5, { restartFactor: 0.5 }),
      "Cannot make cosineDecay: restartFactor must be a finite number of 1 or more, got 0.5",
    ],
    [() => linearWarmup(1, 0), "Cannot make linearWarmup: steps must be an integer of 1 or more, got 0"],
    [
      () => oneCycle(1, 10, { initialDivisor: 0 }),
      "Cannot make oneCycle: initialDivisor must be a finite number above 0, got 0",
    ],
    [
      () => join([constant(1), constant(2)], [0]),
      "Cannot join schedules: boundaries must be 1 increasing integers of 1 or more, got [0]",
    ],
    [() => join([], []), "Cannot join schedules: boundaries must be 0 increasing integers of 1 or more, got []"],
    [() => cosineDecay(-1, 5), `Cannot make cosineDecay: initialRate must be ${least}`],
    [
      () => cosineDecay(1, 5, { finalFraction: 2 }),
      "Cannot make cosineDecay: finalFraction must be a number from 0 to 1, got 2",
    ],
    [
      () => oneCycle(1, 5, { riseFraction: -1 }),
      "Cannot make oneCycle: riseFraction must be a number from 0 to 1, got -1",
    ],
    [() => oneCycle(1, 5, { finalDivisor: 0 }), `Cannot make oneCycle: finalDivisor must be ${positive} 0`],
    [() => exponentialDecay(1, { factor: -1 }), `Cannot make exponentialDecay: factor must be ${least}`],
    [
      () => join([constant(1), constant(2)], [1.5]),
      "Cannot join schedules: boundaries must be 1 increasing integers of 1 or more, got [1.5]",
    ],
    [
      () => join([constant(1), constant(2), constant(3)], [2, 2]),
      "Cannot join schedules: boundaries must be 2 increasing integers of 1 or more, got [2,2]",
    ],
  ];
  for (const [make, message] of refuses) assert.throws(make, { name: "RangeError", message });
  cosineDecay(0, 1, { finalFraction: 1 });
});
