import { ets } from "./classical/ets.ts";
import { mstl } from "./classical/mstl.ts";
import { drift, seasonalNaive } from "./classical/naive.ts";
import type { Method } from "./classical/path.ts";
import { theta } from "./classical/theta.ts";

/** The methods that forecast each series from that series alone, by name. */
export const CLASSICAL = {
  seasonalNaive: { label: "seasonal naive", method: seasonalNaive },
  drift: { label: "drift", method: drift },
  theta: { label: "Theta", method: theta },
  ets: { label: "ETS", method: ets },
  mstl: { label: "MSTL", method: mstl },
} as const satisfies Record<string, { readonly label: string; readonly method: Method }>;

export type ClassicalName = keyof typeof CLASSICAL;

/** Everything that can be recommended: the methods, the network, and means of several. */
export type CandidateName = ClassicalName | "classicalMean" | "mstlMean" | "network" | "networkMean";

/** What reports call the candidates. */
export const LABELS: Readonly<Record<CandidateName, string>> = {
  ...Object.fromEntries(Object.entries(CLASSICAL).map(([name, { label }]) => [name, label])) as Record<
    ClassicalName,
    string
  >,
  classicalMean: "mean of ETS and Theta",
  mstlMean: "mean of ETS, Theta and MSTL",
  network: "network",
  networkMean: "mean of network, ETS and Theta",
};

/** The candidates that are means, and of what. */
export const MEANS: Readonly<Partial<Record<CandidateName, readonly CandidateName[]>>> = {
  classicalMean: ["ets", "theta"],
  mstlMean: ["ets", "theta", "mstl"],
  networkMean: ["network", "ets", "theta"],
};
