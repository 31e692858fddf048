/** The kind of data that a model learns. */
export type TaskName = "text" | "series";

/** Data to choose from. Data with a file is fetched; other data is generated, or given by the visitor. */
interface DataEntry {
  readonly task: TaskName;
  readonly label: string;
  /** Its file, relative to the page. */
  readonly file?: string;
}

/** The data that the page offers. */
export const DATA = {
  "moby-dick": { task: "text", label: "Moby Dick, the opening", file: "data/moby-dick.txt" },
  "names": { task: "text", label: "First names", file: "data/names.txt" },
  "source": { task: "text", label: "Unfold’s source code", file: "data/source.txt" },
  "own-text": { task: "text", label: "Your own text…" },
  "sine": { task: "series", label: "Sine waves" },
  "ar": { task: "series", label: "Autoregressive, AR(2)" },
  "sp500": { task: "series", label: "S&P 500, 2000–2020", file: "data/sp500.csv" },
  "own-csv": { task: "series", label: "Your own CSV…" },
} as const satisfies Record<string, DataEntry>;

export type DataName = keyof typeof DATA;
export const DATA_NAMES = Object.keys(DATA) as DataName[];

/** The task that data belongs to. */
export function taskOf(data: DataName): TaskName {
  return DATA[data].task;
}

/** The file that data is fetched from, if any. */
export function fileOf(data: DataName): string | undefined {
  return (DATA[data] as DataEntry).file;
}
