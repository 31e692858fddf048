import { Random } from "@unfold/core";

/** A random walk as a CSV: weekdays do not matter to the app. */
export function csv(days: number, seed = 1): string {
  const random = new Random(seed);
  let price = 100;
  const rows = Array.from({ length: days }, (_, day) => {
    price *= Math.exp(random.normal(0, 0.01));
    const date = new Date(Date.UTC(2015, 0, 1 + day)).toISOString().slice(0, 10);
    return `${date},${price.toFixed(4)}`;
  });
  return `Date,Close\n${rows.join("\n")}\n`;
}
