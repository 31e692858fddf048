import { printable, quoted, say } from "./printable.ts";
import { exists, prepareFolder, readTextFile, writeFiles } from "./files.ts";

/** A file with one result per line, so that a long search can be stopped and resumed. Disposing releases its folder. */
interface ResultLog<Entry> extends Disposable {
  /** The results so far. */
  readonly entries: readonly Entry[];
  /** Adds a result and writes the file. */
  add(entry: Entry): Promise<void>;
}

/** What is wrong with an entry that follows others: "trial must be 2, got 1"; undefined if nothing is. */
export type EntryProblem<Entry> = (entry: unknown, before: readonly Entry[]) => string | undefined;

/**
 * Opens a results file. Its first line identifies the run.
 *
 * @param options The folder and the file's name, the run, whether to continue an existing file, and what is wrong with an
 * entry.
 * @throws {Error} If the file exists and `resume` is false, belongs to another run, or has a bad line; if another run uses
 * the folder.
 */
export async function openResultLog<Entry>(
  { folder, name, of, resume, problemOf }: {
    readonly folder: string;
    readonly name: string;
    readonly of: object;
    readonly resume: boolean;
    readonly problemOf: EntryProblem<Entry>;
  },
): Promise<ResultLog<Entry>> {
  const path = `${folder}/${name}`;
  const head = JSON.stringify(of);
  const prepared = await prepareFolder(folder, { files: [name] });
  let entries: Entry[] = [];
  try {
    const isThere = await exists(path);
    if (isThere && !resume) {
      throw new Error(
        `Cannot start: ${path} already exists; continue it with --resume, or choose another folder with --out`,
      );
    }
    if (isThere) ({ entries } = await readResultLog<Entry>(path, problemOf, head));
  } catch (error) {
    prepared[Symbol.dispose]();
    throw error;
  }
  return {
    entries,
    async add(entry) {
      entries.push(entry);
      await writeFiles(folder, { [name]: [head, ...entries.map((one) => JSON.stringify(one)), ""].join("\n") });
    },
    [Symbol.dispose]: () => prepared[Symbol.dispose](),
  };
}

/** The first difference between the settings in the first lines of two results files. */
function differenceOf(found: string, wanted: string): string {
  const settingsOf = (line: string) => Object(Object.values(Object(parsed(line)))[0]) as Record<string, unknown>;
  const [there, here] = [settingsOf(found), settingsOf(wanted)];
  const shown = (value: unknown) => printable(JSON.stringify(value) ?? "missing");
  const name = [...new Set([...Object.keys(there), ...Object.keys(here)])]
    .find((name) => shown(there[name]) !== shown(here[name]));
  if (name === undefined) return `it must be from the same run, got ${quoted(found)}`;
  return `it must be from the same run, got ${printable(name)} ${shown(there[name])} instead of ${shown(here[name])}`;
}

/**
 * Reads a results file. A last line that was cut off, as by a full disk, is left out with a note on stderr.
 *
 * @param head The expected first line. Default: any JSON object.
 */
export async function readResultLog<Entry>(
  path: string,
  problemOf: EntryProblem<Entry>,
  head?: string,
): Promise<{ of: Record<string, unknown>; entries: Entry[] }> {
  const text = await readTextFile(path);
  const [first = "", ...lines] = text.trimEnd().split("\n");
  if (head !== undefined && first !== head) {
    throw new Error(`Cannot resume ${path}: ${differenceOf(first, head)}`);
  }
  const last = lines.at(-1);
  if (last !== undefined && !text.endsWith("\n") && parsed(last) === undefined) {
    say(`note: line ${lines.length + 1} of ${path} is incomplete and left out, got ${quoted(last)}`);
    lines.pop();
  }
  const parse = (line: string, number: number) => {
    const value = parsed(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    throw new Error(`Cannot read ${path}: line ${number} must be a JSON object, got ${quoted(line)}`);
  };
  const of = parse(first, 1) as Record<string, unknown>;
  const entries: Entry[] = [];
  lines.forEach((line, i) => {
    const entry = parse(line, i + 2);
    const problem = problemOf(entry, entries);
    if (problem !== undefined) throw new Error(`Cannot read ${path}: line ${i + 2}: ${problem}`);
    entries.push(entry as Entry);
  });
  return { of, entries };
}

/** The value of a line of JSON, or undefined if it is none. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
