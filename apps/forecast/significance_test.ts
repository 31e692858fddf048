import { Random } from "@unfold/core";
import { dieboldMariano, signTest } from "@unfold/training";
import assert from "node:assert/strict";
import { meanErrors, significance } from "./significance.ts";

/** The mean errors of series, from a function of series and time. */
function errorsOf(count: number, times: number, of: (series: number, time: number) => number) {
  return meanErrors(
    Array.from({ length: count * times }, (_, i) => {
      const [series, time] = [Math.floor(i / times), i % times];
      return { series, time, error: of(series, time) };
    }),
  );
}

Deno.test("errors are averaged over time and over series", () => {
  const { bySeries, byTime } = errorsOf(2, 3, (series, time) => 10 * series + time);
  assert.deepEqual([...bySeries], [[0, 1], [1, 11]]);
  assert.deepEqual(byTime, [5, 6, 7]);
});

Deno.test("many series are compared by signs, few by the errors over time", () => {
  const random = new Random(1);
  const noise = Array.from({ length: 400 }, () => random.uniform());
  const at = (series: number, time: number) => noise[(series * 7 + time) % 400]!;
  const many = significance(
    errorsOf(16, 6, (series, time) => at(series, time) + (series % 8 > 0 ? -0.2 : 0.2)),
    errorsOf(16, 6, at),
    3,
  );
  assert.deepEqual(many, { test: "sign test", pValue: signTest(14, 16) });

  const [one, other] = [noise.slice(0, 24), noise.slice(0, 24).map((error, t) => error + 0.3 * noise[t + 200]!)];
  const few = significance(errorsOf(1, 24, (_, t) => one[t]!), errorsOf(1, 24, (_, t) => other[t]!), 4);
  const expected = dieboldMariano(one.map(Math.sqrt), other.map(Math.sqrt), { horizon: 4 });
  assert.deepEqual(few, { test: "Diebold-Mariano test", pValue: expected.pValue });
  assert.ok(few.pValue < 0.05, `${few.pValue}`);
});

Deno.test("one fold of few series, or equal errors, tell nothing", () => {
  assert.equal(significance(errorsOf(2, 4, (_, t) => t), errorsOf(2, 4, () => 1), 4), undefined);
  assert.equal(significance(errorsOf(2, 12, (_, t) => t), errorsOf(2, 12, (_, t) => t), 4), undefined);
});
