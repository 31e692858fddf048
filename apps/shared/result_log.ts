import { exists, prepareFolder, readTextFile, writeFiles } from "./files.ts";

/** A file with one result per line, so that a long search can be stopped and resumed. */
interface ResultLog<Entry> {
  /** The results so far. */
  readonly entries: readonly Entry[];
  /** Adds a result and writes the file. */
  add(entry: Entry): Promise<void>;
}

/**
 * Opens a results file. Its first line identifies the run.
 *
 * @param options The folder and the file's name, the run, whether to continue an existing file, and a function that
 * returns what an invalid entry must be.
 * @throws {Error} If the file exists and `resume` is false, belongs to another run, or has a bad line.
 */
export async function openResultLog<Entry>(
  { folder, name, of, resume, problemOf }: {
    readonly folder: string;
    readonly name: string;
    readonly of: object;
    readonly resume: boolean;
    readonly problemOf: (entry: Entry, index: number) => string | undefined;
  },
): Promise<ResultLog<Entry>> {
  const path = `${folder}/${name}`;
  const head = JSON.stringify(of);
  const isThere = await exists(path);
  if (isThere && !resume) {
    throw new Error(
      `Cannot start: ${path} already exists; continue it with --resume, or choose another folder with --out`,
    );
  }
  const entries = isThere ? (await readResultLog<Entry>(path, problemOf, head)).entries : [];
  await prepareFolder(folder);
  return {
    entries,
    async add(entry) {
      entries.push(entry);
      await writeFiles(folder, { [name]: [head, ...entries.map((one) => JSON.stringify(one)), ""].join("\n") });
    },
  };
}

/** The first difference between the settings in the first lines of two results files. */
function differenceOf(found: string, wanted: string): string {
  const settingsOf = (line: string) => {
    try {
      return Object.values(Object(JSON.parse(line)))[0] as Record<string, unknown> | undefined;
    } catch {
      return undefined;
    }
  };
  const [there, here] = [Object(settingsOf(found)), Object(settingsOf(wanted))] as Record<string, unknown>[];
  const shown = (value: unknown) => JSON.stringify(value) ?? "missing";
  const name = [...new Set([...Object.keys(there!), ...Object.keys(here!)])]
    .find((name) => shown(there![name]) !== shown(here![name]));
  if (name === undefined) return `it must be from the same run, got ${found.slice(0, 80)}`;
  return `it must be from the same run, got ${name} ${shown(there![name])} instead of ${shown(here![name])}`;
}

/**
 * Reads a results file.
 *
 * @param head The expected first line. Default: any JSON object.
 */
export async function readResultLog<Entry>(
  path: string,
  problemOf: (entry: Entry, index: number) => string | undefined,
  head?: string,
): Promise<{ of: Record<string, unknown>; entries: Entry[] }> {
  const [first = "", ...lines] = (await readTextFile(path)).trimEnd().split("\n");
  if (head !== undefined && first !== head) {
    throw new Error(`Cannot resume ${path}: ${differenceOf(first, head)}`);
  }
  const parse = (line: string, index: number) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    const isObject = typeof value === "object" && value !== null;
    const problem = isObject ? index === 0 ? undefined : problemOf(value as Entry, index - 1) : "a JSON object";
    if (problem === undefined) return value;
    throw new Error(
      `Cannot read ${path}: line ${index + 1} must be ${problem}, got ${JSON.stringify(line.slice(0, 80))}`,
    );
  };
  return {
    of: parse(first, 0) as Record<string, unknown>,
    entries: lines.map((line, i) => parse(line, i + 1) as Entry),
  };
}
