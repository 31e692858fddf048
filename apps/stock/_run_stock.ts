import { type Outcome, runApp } from "../shared/_run_app.ts";

/** Runs the app as a person would. */
export function stock(folder: string, ...args: string[]): Promise<Outcome> {
  return runApp("stock", folder, args);
}

/** Options that make a run short. */
export const QUICK = ["--epochs", "2", "--hidden", "8", "--window", "10"];
