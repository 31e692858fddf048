import { Random } from "@unfold/core";
import { withFolder } from "../../tools/testing.ts";
import { type Outcome, runApp } from "../shared/_run_app.ts";

/** Runs the app from the command line. */
export function stock(folder: string, ...args: string[]): Promise<Outcome> {
  return runApp("stock", folder, args);
}

/** Options that make a run short. */
export const QUICK = ["--epochs", "2", "--hidden", "8", "--window", "10"];

/** A random walk as a CSV with all columns, one row per calendar day. */
export function csv(days: number, seed = 1): string {
  const random = new Random(seed);
  // The other columns use a separate random stream, so that they do not change the close.
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

/** Runs a test with a file of prices in a temporary folder. */
export function withPrices(test: (folder: string, file: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(300));
    await test(folder, file);
  });
}
