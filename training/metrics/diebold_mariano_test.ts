import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { dieboldMariano, studentBeyond } from "./diebold_mariano.ts";

Deno.test("the tails of Student's t match the tables", () => {
  // Two-sided 5 % and 1 % points, NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
  const points = [[1, 12.706, 63.657], [2, 4.303, 9.925], [10, 2.228, 3.169], [30, 2.042, 2.75], [
    100,
    1.984,
    2.626,
  ]] as const;
  for (const [degrees, five, one] of points) {
    assert.ok(Math.abs(studentBeyond(five, degrees) - 0.05) < 1e-4, `${degrees}`);
    assert.ok(Math.abs(studentBeyond(-one, degrees) - 0.01) < 1e-4, `${degrees}`);
  }
  // One degree of freedom is Cauchy's distribution: 1 − 2·atan(t)/π.
  for (const t of [0, 0.3, 1, 7]) assert.ok(Math.abs(studentBeyond(t, 1) - (1 - 2 * Math.atan(t) / Math.PI)) < 1e-9);
  assert.ok(studentBeyond(30, 1000) < 1e-100);
});

Deno.test("dieboldMariano matches its formula written out", () => {
  const random = new Random(1);
  const draw = (deviation: number) => Float64Array.from({ length: 30 }, () => random.normal(0, deviation));
  const [a, b] = [draw(1), draw(1.5)];
  const d = a.map((value, t) => value ** 2 - b[t]! ** 2);
  const mean = d.reduce((x, y) => x + y) / 30;
  const gamma = (k: number) => d.slice(k).reduce((total, value, t) => total + (value - mean) * (d[t]! - mean), 0) / 30;
  for (const h of [1, 4]) {
    let variance = gamma(0);
    for (let k = 1; k < h; k++) variance += 2 * gamma(k);
    const expected = Math.sqrt((31 - 2 * h + h * (h - 1) / 30) / 30) * mean / Math.sqrt(variance / 30);
    const { statistic, pValue } = dieboldMariano(a, b, { horizon: h });
    assert.ok(Math.abs(statistic - expected) < 1e-12);
    assert.equal(pValue, studentBeyond(expected, 29));
    assert.equal(dieboldMariano(b, a, { horizon: h }).statistic, -statistic);
  }
});

Deno.test("at 5 % the test rejects one in twenty pairs of equal forecasts, and most pairs of unequal ones", () => {
  const random = new Random(2);
  const rejected = (deviation: number) => {
    let count = 0;
    for (let i = 0; i < 1000; i++) {
      const errors = (size: number) => Float64Array.from({ length: 200 }, () => random.normal(0, size));
      if (dieboldMariano(errors(1), errors(deviation)).pValue < 0.05) count++;
    }
    return count;
  };
  const equal = rejected(1);
  assert.ok(equal >= 25 && equal <= 80, `${equal}`);
  assert.ok(rejected(1.3) > 800);
});

Deno.test("dieboldMariano refuses errors that it cannot compare", () => {
  assert.throws(() => dieboldMariano([1, 2], [1]), /one for each actual value/);
  assert.throws(() => dieboldMariano([1, 2, 3], [2, 1, 0], { horizon: 3 }), {
    name: "RangeError",
    message: "Cannot compare forecasts: horizon must be an integer from 1 to 2, got 3",
  });
  assert.throws(() => dieboldMariano([1, 2, 3], [1, 2, 3]), /must have a variance above 0, got 0/);
});

Deno.test("a negative long-run variance is replaced by one with Bartlett's weights", () => {
  // The differences of squares are 1, -1, 1, -1, … + 0.1: gamma(1) is close to -gamma(0).
  const d = Array.from({ length: 20 }, (_, t) => (t % 2 === 0 ? 1 : -1) + 0.1);
  const [errors, others] = [d.map((value) => Math.sqrt(2 + value)), d.map(() => Math.SQRT2)];
  const gamma = (k: number) => d.slice(k).reduce((total, value, i) => total + (value - 0.1) * (d[i]! - 0.1), 0) / 20;
  assert.ok(gamma(0) + 2 * gamma(1) < 0);
  const expected = Math.sqrt((21 - 4 + 2 / 20) / 20) * 0.1 / Math.sqrt((gamma(0) + gamma(1)) / 20);
  const { statistic } = dieboldMariano(errors, others, { horizon: 2 });
  assert.ok(Math.abs(statistic / expected - 1) < 1e-9, `${statistic}, expected ${expected}`);
});
