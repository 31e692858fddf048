import { exists, prepareFolder, readTextFile, writeFiles } from "./files.ts";

/** Results one after the other, in a file with a line each: what was done of a long search is not lost. */
interface ResultLog<Entry> {
  /** Those so far. */
  readonly entries: readonly Entry[];
  /** Adds one, and writes the file anew. */
  add(entry: Entry): Promise<void>;
}

/**
 * Opens a file of results, whose first line says what they are results of.
 *
 * @param options The folder and the file's name; what it is of; whether to go on with what is there; what is wrong with
 * an entry that is read, if anything.
 * @throws {Error} If the file is there and is not to be gone on with, is of something else, or has a bad line.
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
      `Cannot start anew: ${path} is there already; --resume goes on with it, --out names another folder`,
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

/** What the first lines of two files of results differ in: the first of their settings that does. */
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
  if (name === undefined) return `it must be of a run as this, got ${found.slice(0, 80)}`;
  return `it is of another run: its ${name} is ${shown(there![name])}, this run's ${shown(here![name])}`;
}

/**
 * Reads a file of results.
 *
 * @param head What its first line must be; any JSON where it is left out.
 */
export async function readResultLog<Entry>(
  path: string,
  problemOf: (entry: Entry, index: number) => string | undefined,
  head?: string,
): Promise<{ of: Record<string, unknown>; entries: Entry[] }> {
  const [first = "", ...lines] = (await readTextFile(path)).trimEnd().split("\n");
  if (head !== undefined && first !== head) {
    throw new Error(`Cannot go on with ${path}: ${differenceOf(first, head)}`);
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
