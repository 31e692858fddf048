import { Random } from "@unfold/core";
import { type Outcome, runApp } from "../shared/_run_app.ts";

/** Runs the app as a person would. */
export function stock(folder: string, ...args: string[]): Promise<Outcome> {
  return runApp("stock", folder, args);
}

/** Options that make a run short. */
export const QUICK = ["--epochs", "2", "--hidden", "8", "--window", "10"];

/** A random walk as a CSV with all columns: weekdays do not matter to the app. */
export function csv(days: number, seed = 1): string {
  const random = new Random(seed);
  // What decides nothing about the close is drawn apart.
  const others = random.split();
  let price = 100;
  const rows = Array.from({ length: days }, (_, day) => {
    price *= Math.exp(random.normal(0, 0.01));
    const date = new Date(Date.UTC(2015, 0, 1 + day)).toISOString().slice(0, 10);
    const [open, high, low] = [0, 0.01, -0.01].map((shift) =>
      (price * (1 + shift + others.uniform(-0.005, 0.005))).toFixed(4)
    );
    return `${date},${price.toFixed(4)},${open},${high},${low},${1000 + others.integer(1000)}`;
  });
  return `Date,Close,Open,High,Low,Volume\n${rows.join("\n")}\n`;
}
