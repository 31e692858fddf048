import assert from "node:assert/strict";
import { DAILY, datesAfter, differ, placeOf, type Rhythm, rhythmOf, stepName, stepsOf, usualSeason } from "./rhythm.ts";

const of = (unit: Rhythm["unit"], every = 1) => rhythmOf({ unit, every });

Deno.test("steps are called by what the rows are", () => {
  assert.deepEqual([stepName(DAILY), stepName(of("week")), stepName(of("minute", 5)), stepName(of("irregular"))], [
    "day",
    "week",
    "5-minute step",
    "step",
  ]);
  assert.deepEqual([stepsOf(DAILY, 1), stepsOf(of("month"), 3)], ["1 day", "3 months"]);
});

Deno.test("a year has as many steps as its rhythm, unless the user says", () => {
  assert.deepEqual([DAILY, of("day"), of("week", 2), of("month"), of("hour")].map(({ perYear }) => perYear), [
    252,
    365,
    26,
    12,
    undefined,
  ]);
  assert.equal(rhythmOf({ unit: "hour", every: 1 }, 8760).perYear, 8760);
});

Deno.test("a season that a series is too short to show is none", () => {
  assert.deepEqual([usualSeason(DAILY, 100), usualSeason(of("month"), 100), usualSeason(of("week"), 100)], [5, 12, 1]);
});

Deno.test("dates go on by the calendar of the series, whatever form they have", () => {
  assert.deepEqual(datesAfter(["2026-11-19", "2026-11-20"], DAILY, 3), ["2026-11-23", "2026-11-24", "2026-11-25"]);
  assert.deepEqual(datesAfter(["2026-11-20", "2026-11-21"], of("day"), 2), ["2026-11-22", "2026-11-23"]);
  assert.deepEqual(datesAfter(["2026-10", "2026-11"], of("month"), 2), ["2026-12", "2027-01"]);
  assert.deepEqual(datesAfter(["2026-Q2", "2026-Q3"], of("quarter"), 2), ["2026-Q4", "2027-Q1"]);
  assert.deepEqual(datesAfter(["2026-W52", "2026-W53"], of("week"), 1), ["2027-W01"]);
  assert.deepEqual(datesAfter(["2025", "2026"], of("year"), 1), ["2027"]);
  assert.deepEqual(datesAfter(["step 1", "step 2"], of("step"), 2), ["step 3", "step 4"]);
  assert.deepEqual(datesAfter(["2026-11-20 09:30", "2026-11-20 09:35"], of("minute", 5), 1), ["2026-11-20 09:40"]);
});

Deno.test("dates have a place on an axis, and other text has none", () => {
  assert.deepEqual([placeOf("2026-11-20"), placeOf("step 7")], [Date.UTC(2026, 10, 20), 7]);
  for (const text of ["", "bana-11-20", "step x", "2026-11-20x"]) assert.ok(Number.isNaN(placeOf(text)), text);
});

Deno.test("rhythms differ by more than that of trading and calendar days", () => {
  const pairs: [Rhythm, Rhythm, boolean][] = [
    [DAILY, of("day"), false],
    [DAILY, of("week"), true],
    [of("month"), of("quarter"), true],
    [of("minute"), of("minute", 5), true],
    [of("minute"), DAILY, true],
    [of("irregular"), DAILY, false],
    [of("step"), DAILY, false],
  ];
  for (const [a, b, expected] of pairs) assert.equal(differ(a, b), expected, `${a.unit}, ${b.unit}`);
});
