import uPlot from "uplot";

/** How a line is drawn: a colour of the style sheet, and a pattern. */
interface Line {
  readonly label: string;
  /** `--accent` or the like. */
  readonly color: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  /** Whether the line goes on over places without a value. */
  readonly spanGaps?: boolean;
  /** Whether it stays as it is from one place to the next, and then jumps. */
  readonly stepped?: boolean;
}

/** How a plot is made. */
interface PlotOptions {
  readonly lines: readonly Line[];
  /** Whether the values go by powers of ten. */
  readonly logarithmic?: boolean;
  /** What is written below a place of the x axis. */
  readonly label?: (x: number) => string;
}

/** What lines are drawn through: the places, and the values of each line. */
type PlotData = readonly [x: readonly number[], ...lines: readonly (readonly (number | null)[])[]];

/** Lines over a common axis, in the colours and the size that the style sheet gives their element. */
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

  /** Draws other values. */
  show(data: PlotData): void {
    this.#plot.setData(data as unknown as uPlot.AlignedData);
  }

  /** Takes the plot away. */
  remove(): void {
    this.#dark.removeEventListener("change", this.#redraw);
    this.#watch.disconnect();
    this.#plot.destroy();
  }
}

/** Of the places on a logarithmic axis those that are powers of ten; more lines would be grey in grey. */
function powersOfTen(_: uPlot, places: number[]): (number | null)[] {
  return places.map((place) => Math.abs(Math.log10(place) % 1) < 1e-9 ? place : null);
}

/** A power of ten as a label; between them there is none. */
function power(value: number | null): string {
  return value === null
    ? ""
    : value >= 0.01 && value < 10_000
    ? String(value)
    : `1e${Math.round(Math.log10(value))}`.replace("-", "−");
}
