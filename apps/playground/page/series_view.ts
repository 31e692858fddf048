import type { Forecast } from "../messages.ts";
import { element, makeTable } from "./element.ts";
import { format } from "./format.ts";
import { Plot } from "./plot.ts";

/** Values at the places of a plot, null where a line has none. */
type Line = (number | null)[];

/** The lines of a plot of forecasts. */
interface ForecastLines {
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

/** A series, and forecasts over its end that begin where the one before ends. */
export class SeriesView {
  readonly #host = element("forecast");
  readonly #skill = element("skill");
  readonly #table = element("forecast-table");
  #plot: Plot | undefined;
  #dates: readonly string[] = [];

  /** Begins a run. */
  start(): void {
    this.#plot?.show([[], [], [], [], []]);
    this.#skill.textContent = "";
    this.#table.replaceChildren();
  }

  /** Shows forecasts as they stand. */
  show({ dates, actual, paths, skill }: Forecast): void {
    this.#dates = dates;
    // Made when it is first seen: before that its element has no size.
    this.#plot ??= new Plot(this.#host, {
      lines: [
        { label: "what happened", color: "--ink" },
        { label: "naive", color: "--quiet", dash: [6, 4], stepped: true },
        { label: "the network", color: "--accent", width: 2 },
        { label: "the network", color: "--accent", width: 2 },
      ],
      label: (place) => this.#dates[place] ?? "",
    });
    const last = paths.at(-1)!;
    const lines = forecastLines({ actual, paths });
    this.#plot.show([lines.actual.map((_, place) => place), lines.actual, lines.naive, ...lines.network]);

    const percent = skill > 0.9995 ? "more than 99.9" : Math.abs(100 * skill).toFixed(1);
    this.#skill.textContent = `On unseen days its squared error is ${percent} % ${
      skill >= 0 ? "smaller" : "larger"
    } than that of naive.`;
    this.#host.ariaLabel = `Forecasts of ${last.values.length} days each. ${this.#skill.textContent}`;
    this.#table.replaceChildren(makeTable(
      ["days ahead", "the network", "naive"],
      Array.from(last.values, (value, i) => [String(i + 1), format(value, 5), format(actual[last.from]!, 5)]),
    ));
  }
}
