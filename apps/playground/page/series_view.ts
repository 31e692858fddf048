import type { Forecast } from "../messages.ts";
import { element, makeTable } from "./element.ts";
import { format } from "./format.ts";
import { Plot } from "./plot.ts";

/** The values of a line, null where it has none. */
type Line = (number | null)[];

/** The lines of the plot. */
interface ForecastLines {
  readonly actual: Line;
  readonly naive: Line;
  /** Forecasts alternate between two lines: each starts at the last known value, where the previous one ends. */
  readonly network: readonly [Line, Line];
}

/** Lays out back-to-back forecasts as lines over the days of a series, including days in the future. */
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

/** The end of a series, with back-to-back forecasts. */
export class SeriesView {
  readonly #host = element("forecast");
  readonly #skill = element("skill");
  readonly #table = element("forecast-table");
  #plot: Plot | undefined;
  #dates: readonly string[] = [];

  /** Removes the forecasts, for a new run. */
  clear(): void {
    this.#plot?.show([[], [], [], [], []]);
    this.#skill.textContent = "";
    this.#table.replaceChildren();
  }

  /** Shows the current forecasts. */
  show({ dates, actual, paths, skill }: Forecast): void {
    this.#dates = dates;
    // Create it when it first becomes visible: before that, its element has no size.
    this.#plot ??= new Plot(this.#host, {
      lines: [
        { label: "actual", color: "--ink" },
        { label: "naive", color: "--quiet", dash: [6, 4], stepped: true },
        { label: "network", color: "--accent", width: 2 },
        { label: "network", color: "--accent", width: 2 },
      ],
      label: (place) => this.#dates[place] ?? "",
    });
    const last = paths.at(-1)!;
    const lines = forecastLines({ actual, paths });
    this.#plot.show([lines.actual.map((_, place) => place), lines.actual, lines.naive, ...lines.network]);

    const percent = skill > 0.9995 ? "more than 99.9" : Math.abs(100 * skill).toFixed(1);
    const comparison = skill >= 0 ? "smaller" : "larger";
    const verdict = `On unseen days, its squared error is ${percent}% ${comparison} than the naive forecast’s.`;
    this.#skill.textContent = verdict;
    this.#host.ariaLabel = `Forecasts of ${last.values.length} days each. ${verdict}`;
    this.#table.replaceChildren(makeTable(
      ["days ahead", "network", "naive"],
      Array.from(last.values, (value, i) => [String(i + 1), format(value, 5), format(actual[last.from]!, 5)]),
    ));
  }
}
