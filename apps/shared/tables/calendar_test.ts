import assert from "node:assert/strict";
import { calendarOf, dateLabel, dateLabels, easterOf } from "./calendar.ts";
import { type DateUnit, DAY } from "./date_formats.ts";
import { frequencyName, frequencyOf, monthsLater, seasonOf, stepsPerYear, unitName, weekday } from "./frequency.ts";

const at = (date: string) => Date.parse(date);

/** Dates from one to another of which a condition holds. */
function daysOf(from: string, to: string, keep: (ms: number, date: Date) => boolean = () => true): Float64Array {
  const days: number[] = [];
  for (let day = at(from); day <= at(to); day += DAY) if (keep(day, new Date(day))) days.push(day);
  return Float64Array.from(days);
}

/** What follows a series, with its frequency. */
function after(times: Float64Array, count: number, unit: DateUnit = "day") {
  const frequency = frequencyOf(times, unit);
  return [
    frequencyName(frequency),
    ...calendarOf(times, frequency, unit).next(count).map((time) => dateLabel(time, unit)),
  ];
}

const isWorkday = (ms: number) => weekday(ms) % 6 !== 0;
const monthly = (count: number, of: (ms: number) => number) =>
  Float64Array.from({ length: count }, (_, i) => of(monthsLater(at("2015-01-01"), i, 1)));

Deno.test("weekdays without weekends are business days; with them, days", () => {
  assert.deepEqual(after(daysOf("2023-10-02", "2023-12-29", isWorkday), 2), [
    "business days",
    "2024-01-01",
    "2024-01-02",
  ]);
  assert.deepEqual(after(daysOf("2023-10-02", "2023-12-29"), 2), ["every day", "2023-12-30", "2023-12-31"]);
  // Sunday to Thursday, as in the Gulf.
  const gulf = daysOf("2023-10-01", "2023-12-28", (ms) => ![5, 6].includes(weekday(ms)));
  assert.deepEqual(after(gulf, 2), ["business days", "2023-12-31", "2024-01-01"]);
});

Deno.test("the holidays that a series leaves out are left out of its forecast", () => {
  const closed = (ms: number, date: Date) => {
    const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
    const thanksgiving = month === 11 && weekday(ms) === 4 && day >= 22 && day <= 28;
    const memorial = month === 5 && weekday(ms) === 1 && day > 24;
    return thanksgiving || memorial || ms === easterOf(date.getUTCFullYear()) - 2 * DAY ||
      (month === 12 && day === 25) || (month === 1 && day === 1) || (month === 7 && day === 4);
  };
  const times = daysOf("2016-01-01", "2023-12-22", (ms, date) => isWorkday(ms) && !closed(ms, date));
  const frequency = frequencyOf(times, "day");
  assert.equal(frequency.unit, "business day");
  const next = calendarOf(times, frequency, "day").next(300).map((time) => dateLabel(time, "day"));
  assert.deepEqual(next.slice(0, 2), ["2023-12-26", "2023-12-27"]);
  for (const holiday of ["2024-01-01", "2024-03-29", "2024-05-27", "2024-07-04", "2024-11-28"]) {
    assert.ok(!next.includes(holiday), holiday);
  }
  for (const open of ["2024-04-01", "2024-05-28", "2024-07-05", "2024-11-27", "2024-11-29"]) {
    assert.ok(next.includes(open), open);
  }
});

Deno.test("weeks keep their weekday over a holiday", () => {
  const fridays = daysOf("2022-01-07", "2023-03-31", (ms) => weekday(ms) === 5).map((ms) =>
    dateLabel(ms, "day") === "2023-03-31" ? ms - DAY : ms
  );
  assert.deepEqual(after(fridays, 2), ["every week", "2023-04-07", "2023-04-14"]);
  assert.deepEqual(after(Float64Array.from([0, 1, 2, 3], (i) => at("2023-01-30") + i * 7 * DAY), 2, "week"), [
    "every week",
    "2023-W09",
    "2023-W10",
  ]);
});

Deno.test("months keep their first, last, last working or usual day", () => {
  assert.deepEqual(after(monthly(25, (ms) => ms), 2), ["every month", "2017-02-01", "2017-03-01"]);
  assert.deepEqual(after(monthly(25, (ms) => monthsLater(ms, 0, 31)), 2), ["every month", "2017-02-28", "2017-03-31"]);
  const lastWorkday = (ms: number) => {
    let day = monthsLater(ms, 0, 31);
    while (!isWorkday(day)) day -= DAY;
    return day;
  };
  assert.deepEqual(after(monthly(27, lastWorkday), 2), ["every month", "2017-04-28", "2017-05-31"]);
  assert.deepEqual(after(monthly(25, (ms) => ms + 14 * DAY), 2), ["every month", "2017-02-15", "2017-03-15"]);
  assert.deepEqual(after(monthly(25, (ms) => ms), 1, "month"), ["every month", "2017-02"]);
  const quarters = monthly(75, (ms) => ms).filter((_, i) => i % 3 === 0);
  assert.deepEqual(after(quarters, 1), ["every quarter", "2021-04-01"]);
  assert.deepEqual(after(quarters, 1, "quarter"), ["every quarter", "2021-Q2"]);
  const years = monthly(120, (ms) => ms).filter((_, i) => i % 12 === 0);
  assert.deepEqual(after(years, 2, "year"), ["every year", "2025", "2026"]);
});

Deno.test("bars of minutes and hours stay in their sessions", () => {
  const session = daysOf("2023-10-02", "2023-10-13", isWorkday);
  const bars = Float64Array.from(
    [...session].flatMap((day) => Array.from({ length: 79 }, (_, i) => day + (570 + 5 * i) * 60_000)),
  );
  assert.deepEqual(after(bars, 2, "time"), ["every 5 minutes", "2023-10-16 09:30", "2023-10-16 09:35"]);
  const hours = Float64Array.from({ length: 200 }, (_, i) => at("2023-10-02") + i * 3_600_000);
  assert.deepEqual(after(hours, 1, "time"), ["every hour", "2023-10-10 08:00"]);
  const one = Float64Array.from({ length: 60 }, (_, i) => at("2023-10-02T09:30Z") + i * 60_000);
  assert.deepEqual(after(one, 1, "time"), ["every minute", "2023-10-02 10:30"]);
});

Deno.test("dates without a rhythm are irregular", () => {
  const times = Float64Array.from({ length: 40 }, (_, i) => at("2020-01-01") + (i * i * 3 % 400 + 17 * i) * DAY).sort();
  assert.equal(frequencyOf(times, "day").unit, "irregular");
});

Deno.test("what frequencies are called, and what a year and a season are", () => {
  const of = (unit: "business day" | "day" | "week" | "month" | "minute", every = 1) => ({ unit, every, gaps: 0 });
  assert.deepEqual([unitName(of("business day")), unitName(of("week")), unitName(of("minute", 5))], [
    "day",
    "week",
    "5-minute step",
  ]);
  assert.deepEqual([
    stepsPerYear(of("business day")),
    stepsPerYear(of("day")),
    stepsPerYear(of("week")),
    stepsPerYear(of("minute")),
  ], [252, 365, 52, undefined]);
  assert.deepEqual([seasonOf(of("business day")), seasonOf(of("day")), seasonOf(of("month"))], [5, 7, 12]);
});

Deno.test("missing dates are those of the calendar", () => {
  const times = monthly(24, (ms) => ms).filter((_, i) => i !== 7 && i !== 8);
  const calendar = calendarOf(times, frequencyOf(times, "day"), "day");
  assert.deepEqual(calendar.missing().map((time) => dateLabel(time, "day")), ["2015-08-01", "2015-09-01"]);
});

Deno.test("labels of many dates are those of each", () => {
  const times = Float64Array.from({ length: 3000 }, (_, i) => at("2023-10-02") + i * 61_001.5 - i % 2 * 0.5);
  assert.deepEqual(dateLabels(times, "time"), Array.from(times, (time) => dateLabel(time, "time")));
  assert.deepEqual([2022, 2023, 2024, 2025].map((year) => dateLabel(easterOf(year), "day")), [
    "2022-04-17",
    "2023-04-09",
    "2024-03-31",
    "2025-04-20",
  ]);
});
