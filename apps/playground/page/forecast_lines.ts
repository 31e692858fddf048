import type { Forecast } from "../worker/series_task.ts";

/** Values at the places of a plot, null where a line has none. */
type Line = (number | null)[];

/** The lines of a plot of forecasts. */
export interface ForecastLines {
  readonly actual: Line;
  readonly naive: Line;
  /** Each forecast begins at a value that was known, where the one before it ends: two lines in turns. */
  readonly network: readonly [Line, Line];
}

/** Lays forecasts out over the places of a series, those to come among them. */
export function forecastLines({ actual, paths }: Pick<Forecast, "actual" | "paths">): ForecastLines {
  const last = paths.at(-1)!;
  const length = last.from + 1 + last.values.length;
  const empty = () => Array<number | null>(length).fill(null);
  const naive = empty();
  const network = [empty(), empty()] as const;
  paths.forEach(({ from, values }, i) => {
    const line = network[i % 2]!;
    line[from] = actual[from]!;
    values.forEach((value, ahead) => {
      line[from + 1 + ahead] = value;
      naive[from + 1 + ahead] = actual[from]!;
    });
  });
  return { actual: empty().map((_, place) => actual[place] ?? null), naive, network };
}
