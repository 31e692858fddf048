import uPlot from "uplot";

/** The style of a line. */
interface Line {
  readonly label: string;
  /** A colour of the style sheet, such as `--accent`. */
  readonly color: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  /** Whether the line bridges missing values. */
  readonly spanGaps?: boolean;
  /** Whether the line is a step function: each value extends back to the previous point. */
  readonly stepped?: boolean;
}

/** Options of a plot. */
interface PlotOptions {
  readonly lines: readonly Line[];
  /** Whether the y axis is logarithmic. */
  readonly logarithmic?: boolean;
  /** The tick labels of the x axis. */
  readonly label?: (x: number) => string;
}

/** The x values, and the y values of each line. */
type PlotData = readonly [x: readonly number[], ...lines: readonly (readonly (number | null)[])[]];

/** A line plot. Its colours and its size come from the style sheet. */
export class Plot {
  readonly #plot: uPlot;
  readonly #watch: ResizeObserver;
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  readonly #redraw = () => this.#plot.redraw(false);

  constructor(host: HTMLElement, { lines, logarithmic = false, label }: PlotOptions) {
    const color = (name: string) => () => getComputedStyle(host).getPropertyValue(name);
    const grid = { stroke: color("--grid"), width: 1 };
    const axis: uPlot.Axis = {
      stroke: color("--quiet"),
      grid,
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    };
    const size = () => ({ width: Math.max(100, host.clientWidth), height: host.clientHeight });
    this.#plot = new uPlot(
      {
        ...size(),
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: logarithmic ? { distr: 3 } : {} },
        axes: [
          { ...axis, size: 30, space: 80, ...(label && { values: (_, places) => places.map(label) }) },
          {
            ...axis,
            size: 56,
            ...(logarithmic && { grid: { ...grid, filter: powersOfTen }, values: (_, values) => values.map(power) }),
          },
        ],
        series: [
          {},
          ...lines.map(({ label, color: name, width = 1.5, dash, spanGaps = false, stepped = false }) => ({
            label,
            stroke: color(name),
            width,
            points: { show: false },
            spanGaps,
            ...(stepped && { paths: uPlot.paths.stepped!({ align: -1 }) }),
            ...(dash && { dash: [...dash] }),
          })),
        ],
      },
      lines.map(() => []).concat([[]]) as unknown as uPlot.AlignedData,
      host,
    );
    this.#watch = new ResizeObserver(() => this.#plot.setSize(size()));
    this.#watch.observe(host);
    this.#dark.addEventListener("change", this.#redraw);
  }

  /** Draws new values. */
  show(data: PlotData): void {
    this.#plot.setData(data as unknown as uPlot.AlignedData);
  }

  /** Removes the plot. */
  remove(): void {
    this.#dark.removeEventListener("change", this.#redraw);
    this.#watch.disconnect();
    this.#plot.destroy();
  }
}

/** The grid lines of a logarithmic axis: powers of ten, because more would be too dense. */
function powersOfTen(_: uPlot, places: number[]): (number | null)[] {
  return places.map((place) => Math.abs(Math.log10(place) % 1) < 1e-9 ? place : null);
}

/** The tick label of a power of ten. The other ticks have none. */
function power(value: number | null): string {
  return value === null
    ? ""
    : value >= 0.01 && value < 10_000
    ? String(value)
    : `1e${Math.round(Math.log10(value))}`.replace("-", "−");
}
