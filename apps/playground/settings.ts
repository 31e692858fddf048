import { quoted } from "@unfold/core/support";
import { type CellName, CELLS, OPTIMIZER_NAMES, type OptimizerName } from "../shared/choices.ts";
import { DATA_NAMES, type DataName, type TaskName, taskOf } from "./data.ts";

/** The views of the page. */
export const VIEWS = ["text", "series", "unfolded"] as const;
export type View = (typeof VIEWS)[number];

/** Everything that a run depends on: equal settings on equal data give equal losses. */
export interface RunSettings {
  readonly data: DataName;
  readonly cell: CellName;
  /** Size of the hidden state. */
  readonly hidden: number;
  readonly layers: number;
  /** Time steps that the gradient is propagated through. */
  readonly length: number;
  readonly optimizer: OptimizerName;
  readonly rate: number;
  readonly seed: number;
}

/** The contents of a link. */
export interface Settings extends RunSettings {
  readonly view: View;
}

/** The ranges that links and controls allow. All except the rate are integers. */
export const BOUNDS = {
  hidden: [1, 512],
  layers: [1, 3],
  length: [2, 200],
  rate: [1e-6, 10],
  seed: [0, 2 ** 31 - 1],
} as const;

/** Good learning rates for small recurrent networks, by optimizer. The page uses them when the optimizer changes. */
export const SUGGESTED_RATES: Readonly<Record<OptimizerName, number>> = {
  adadelta: 1,
  adagrad: 0.02,
  adam: 0.005,
  adamW: 0.005,
  lion: 0.001,
  nadam: 0.005,
  rmsprop: 0.003,
  sgd: 0.5,
};

const DEFAULTS: Readonly<Record<TaskName, RunSettings>> = {
  text: {
    data: "moby-dick",
    cell: "lstm",
    hidden: 128,
    layers: 1,
    length: 48,
    optimizer: "adam",
    rate: SUGGESTED_RATES.adam,
    seed: 1,
  },
  series: {
    data: "sine",
    cell: "lstm",
    hidden: 32,
    layers: 1,
    length: 24,
    optimizer: "adam",
    rate: 0.001,
    seed: 1,
  },
};

/** The settings of a task before the visitor changes any. */
export function defaultsFor(task: TaskName): RunSettings {
  return DEFAULTS[task];
}

/** Whether a view can show data. The unfolded view shows any. */
export function fits(view: View, data: DataName): boolean {
  return view === "unfolded" || view === taskOf(data);
}

/** Clamps settings to {@linkcode BOUNDS}: a model from a file may exceed them. */
export function withinBounds<T extends RunSettings>(settings: T): T {
  const numbers = Object.entries(BOUNDS).map(([name, [least, most]]) =>
    [name, Math.min(most, Math.max(least, settings[name as keyof typeof BOUNDS]))] as const
  );
  return { ...settings, ...Object.fromEntries(numbers) };
}

/** Writes settings as a link's fragment, without `#`. {@linkcode fromFragment} reads it. */
export function toFragment(settings: Settings): string {
  return new URLSearchParams(Object.entries(withinBounds(settings)).map(([name, value]) => [name, String(value)]))
    .toString();
}

/**
 * Reads a link's fragment. Missing and invalid settings get their defaults; `problems` has a message for each invalid
 * one.
 */
export function fromFragment(fragment: string): { readonly settings: Settings; readonly problems: readonly string[] } {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const problems: string[] = [];
  const take = <T>(name: string, parse: (text: string) => T | undefined, wanted: string): T | undefined => {
    const text = given.get(name);
    const value = text === null ? undefined : parse(text);
    if (text !== null && value === undefined) {
      problems.push(
        `Cannot use ${name} from the link: it must be ${wanted}, got ${quoted(text, 40)}`,
      );
    }
    return value;
  };
  const oneOf = <T extends string>(name: string, values: readonly T[]) =>
    take(name, (text) => values.find((value) => value === text), `one of ${values.join(", ")}`);
  const number = (name: keyof typeof BOUNDS) => {
    const [least, most] = BOUNDS[name];
    const isWhole = name !== "rate";
    return take(name, (text) => {
      const value = Number(text);
      const isSound = text !== "" && value >= least && value <= most && (!isWhole || Number.isInteger(value));
      return isSound ? value : undefined;
    }, `a ${isWhole ? "whole " : ""}number from ${least} to ${most}`);
  };

  const data = oneOf("data", DATA_NAMES);
  const asked = oneOf("view", VIEWS) ?? (data === undefined ? "text" : taskOf(data));
  const task = data === undefined ? (asked === "series" ? "series" : "text") : taskOf(data);
  const view = fits(asked, data ?? DEFAULTS[task].data) ? asked : task;
  const optimizer = oneOf("optimizer", OPTIMIZER_NAMES);
  const rate = number("rate") ?? (optimizer && SUGGESTED_RATES[optimizer]);
  const chosen = {
    view,
    data,
    cell: oneOf("cell", CELLS),
    hidden: number("hidden"),
    layers: number("layers"),
    length: number("length"),
    optimizer,
    rate,
    seed: number("seed"),
  };
  const known = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
  return { settings: { ...DEFAULTS[task], ...known } as Settings, problems };
}
