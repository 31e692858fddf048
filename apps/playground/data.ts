/** What a model is of. */
export type TaskName = "text" | "series";

/** Data to choose from: those with a file are fetched, the others are made or given by the visitor. */
interface DataEntry {
  readonly task: TaskName;
  readonly label: string;
  /** Its file beside the page. */
  readonly file?: string;
}

export const DATA = {
  "moby-dick": { task: "text", label: "Moby Dick, its beginning", file: "data/moby-dick.txt" },
  "names": { task: "text", label: "First names", file: "data/names.txt" },
  "source": { task: "text", label: "Unfold’s own source", file: "data/source.txt" },
  "own-text": { task: "text", label: "Your own text …" },
  "sine": { task: "series", label: "Sine waves" },
  "ar": { task: "series", label: "Autoregressive, AR(2)" },
  "sp500": { task: "series", label: "S&P 500, 2000 to 2020", file: "data/sp500.csv" },
  "own-csv": { task: "series", label: "Your own CSV …" },
} as const satisfies Record<string, DataEntry>;

export type DataName = keyof typeof DATA;
export const DATA_NAMES = Object.keys(DATA) as DataName[];

/** What a model of the data is of. */
export function taskOf(data: DataName): TaskName {
  return DATA[data].task;
}

/** The file of data that has one. */
export function fileOf(data: DataName): string | undefined {
  return (DATA[data] as DataEntry).file;
}
