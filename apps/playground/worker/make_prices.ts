import { Random } from "@unfold/core";
import type { Prices } from "../../stock/prices.ts";

/** Days of a series that is made. */
const DAYS = 1500;
/** The level that it moves around. */
const LEVEL = 100;

/** Two sine waves, one of 32 days and one of 11. */
function sineWaves(): Float64Array<ArrayBuffer> {
  const wave = (day: number, days: number) => Math.sin(2 * Math.PI * day / days);
  return Float64Array.from({ length: DAYS }, (_, day) => LEVEL + 12 * wave(day, 32) + 5 * wave(day, 11));
}

/** z_t = 1.7·z_{t−1} − 0.9·z_{t−2} + ε_t around the level, which swings with a period of some 14 days that noise disturbs. */
function autoregressive(): Float64Array<ArrayBuffer> {
  const random = new Random(2);
  let [before, now] = [0, 0];
  return Float64Array.from({ length: DAYS }, () => {
    [before, now] = [now, 1.7 * now - 0.9 * before + random.normal(0, 0.02)];
    return LEVEL * Math.exp(now);
  });
}

/** Series that are made, by name: always the same numbers, a day each. */
const SERIES = { sine: sineWaves, ar: autoregressive } as const;

/** Makes a series, as if it were prices. */
export function makePrices(name: keyof typeof SERIES): Prices {
  const start = Date.UTC(2020, 0, 1);
  const dates = Array.from({ length: DAYS }, (_, day) => new Date(start + day * 86_400_000).toISOString().slice(0, 10));
  return { file: name, dates, close: SERIES[name](), more: {}, warnings: [] };
}
