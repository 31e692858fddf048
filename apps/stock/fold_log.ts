import type { FoldResult } from "./backtest.ts";
import { MODEL } from "./judge.ts";

/** The file that a backtest writes, a fold a line. */
export const BACKTEST_FILE = "backtest.jsonl";

/** What a line of that file must be, where it is something else. */
export function foldProblem({ scores, labels, from, to }: FoldResult): string | undefined {
  const isScore = (score: unknown) => ["mse", "skill"].every((name) => Number.isFinite(Object(score)[name]));
  const names = Object.keys(Object(scores));
  const isSound = typeof from === "string" && typeof to === "string" && names[0] === MODEL && names.length > 1 &&
    names.every((name) => isScore(scores[name])) &&
    names.slice(1).every((name) => typeof Object(labels)[name] === "string");
  return isSound ? undefined : "a fold of backtest";
}
