import { lockFolder, syncFolder } from "@unfold/training";
import { rmdirSync } from "node:fs";
import fs from "node:fs/promises";
import process from "node:process";
import { arrayBuffer } from "node:stream/consumers";
import { codeOf, isDenied, isGranted, ownCommand } from "./host.ts";
import { quoted } from "./printable.ts";
import type { Shape } from "./shapes.ts";
import { shellWord } from "./shell.ts";

/** Whether a file or folder exists. */
export function exists(path: string): Promise<boolean> {
  return fs.stat(path).then(() => true, () => false);
}

/** Turns a failure to read a file into an error with a one-line message. */
export function readingFailed(path: string, error: unknown): Error {
  const reason = codeOf(error) === "ENOENT"
    ? "there is no such file"
    : codeOf(error) === "EISDIR"
    ? "it must be a file, got a folder"
    : (error as Error).message;
  return new Error(`Cannot read ${path}: ${reason}`, { cause: error });
}

/** Reads a file. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await fs.readFile(path));
  } catch (error) {
    throw readingFailed(path, error);
  }
}

/** What names standard input in place of a file. */
export const STDIN = "-";

/** Reads a file, or standard input. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  if (path !== STDIN) return await readFile(path);
  return new Uint8Array(await arrayBuffer(process.stdin));
}

/** Reads a file as UTF-8 text. */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`Cannot read ${path}: it must be text in UTF-8`);
  }
}

/**
 * Reads a JSON document that train wrote.
 *
 * @throws {Error} If it has another shape.
 */
export async function readDocument(path: string, shape: Shape): Promise<unknown> {
  const text = await readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`Cannot read ${path}: it must be a JSON document, got ${quoted(text, 40)}; run train again`);
  }
  const problem = shape(value, "");
  if (problem === undefined) return value;
  throw new Error(`Cannot read ${path}: ${problem}; run train again`);
}

function failed(folder: string, error: unknown): Error {
  if (isDenied(error)) {
    const command = ["deno", "run", "--allow-read", `--allow-write=${shellWord(folder)}`];
    return new Error(
      `Cannot write to ${folder}: the app may write only where --allow-write says, a task in the project's folder; name ` +
        `a folder there, or run ${[...command, ...ownCommand().map(shellWord)].join(" ")}`,
      { cause: error },
    );
  }
  return new Error(`Cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
}

/** Creates a folder if it does not exist. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await fs.mkdir(folder, { recursive: true });
  } catch (error) {
    throw failed(folder, error);
  }
}

/**
 * Prepares the output folder of a run before it starts: creates it, reserves it for this run, removes what killed runs
 * left half-written, and checks that the files can be written there.
 *
 * @param options The names of the files, and the ranks of the run: only rank 0 reserves the folder and checks it.
 * @returns The reservation. Disposing of it releases the folder, and removes it if the run created it and wrote nothing.
 * @throws {Error} If another run uses the folder, the disk is nearly full, or a folder has the name of a file.
 */
export async function prepareFolder(
  folder: string,
  { files, communicator }: { readonly files: readonly string[]; readonly communicator?: { readonly rank: number } },
): Promise<Disposable> {
  const isNew = !await exists(folder);
  await makeFolder(folder);
  if (communicator !== undefined && communicator.rank > 0) return { [Symbol.dispose]() {} };
  const lock = await lockFolder(folder);
  const release = () => {
    lock[Symbol.dispose]();
    if (isNew) removeIfEmpty(folder);
  };
  try {
    await removeLeftovers(folder, files);
    await checkNames(folder, files);
    if (isGranted({ name: "sys", kind: "statfs" })) checkFreeSpace(await fs.statfs(folder));
    const probe = `${folder}/.${crypto.randomUUID()}`;
    await fs.writeFile(probe, "", { flag: "wx" });
    await fs.unlink(probe);
  } catch (error) {
    release();
    throw failed(folder, error);
  }
  return { [Symbol.dispose]: release };
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It has files.
  }
}

/** The free space that a run needs, in megabytes. Checkpoints and results of usual models take a tenth of it. */
const LEAST_FREE = 100;

/** Checks what `statfs` says of a disk. */
export function checkFreeSpace(
  { blocks, bavail, bsize }: Readonly<Record<"blocks" | "bavail" | "bsize", number>>,
): void {
  const free = bavail * bsize / 1e6;
  // Some file systems on a network do not say.
  if (blocks === 0 || free >= LEAST_FREE) return;
  throw new Error(
    `its disk must have ${LEAST_FREE} MB free, got ${free.toFixed(1)} MB; free some space, or choose another folder`,
  );
}

/** The name of a file while it is written. */
function temporaryName(name: string): string {
  return `.${name}.${process.pid}.tmp`;
}

/** Removes files that killed processes were writing. */
async function removeLeftovers(folder: string, names: readonly string[]): Promise<void> {
  for (const entry of await fs.readdir(folder, { withFileTypes: true })) {
    const [, of, pid] = /^\.(.+)\.(\d+)\.tmp$/.exec(entry.name) ?? [];
    if (!entry.isFile() || of === undefined || !names.includes(of)) continue;
    const path = `${folder}/${entry.name}`;
    try {
      if (!await isBeingWritten(path, Number(pid))) await fs.unlink(path);
    } catch {
      // It is another user's, or the file system does not support locks. It does no harm.
    }
  }
}

/** Whether the process that writes a file runs: Deno locks the file, others know processes by their numbers. */
async function isBeingWritten(path: string, pid: number): Promise<boolean> {
  if (typeof Deno !== "undefined") {
    using file = await Deno.open(path, { write: true });
    return !await file.tryLock(true);
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

/** Checks that no folder has the name of a file. */
async function checkNames(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const there = await fs.lstat(`${folder}/${name}`).catch(() => undefined);
    if (there?.isDirectory()) throw new Error(`${name} must be a file, got a folder`);
  }
}

/**
 * Writes files into a folder. They get temporary names, are synced to disk and then renamed, so that no file is ever
 * incomplete. When this returns, the files and their names are on disk, and what they replace may be removed.
 *
 * @param folder The folder, which must exist.
 * @param files Contents by file name.
 */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const names = Object.keys(files);
  const locks: Disposable[] = [];
  try {
    await checkNames(folder, names);
    for (const name of names) locks.push(await writeToDisk(`${folder}/${temporaryName(name)}`, files[name]!));
    for (const name of names) await fs.rename(`${folder}/${temporaryName(name)}`, `${folder}/${name}`);
    await syncFolder(folder);
  } catch (error) {
    await Promise.allSettled(names.map((name) => fs.unlink(`${folder}/${temporaryName(name)}`)));
    throw failed(folder, error);
  } finally {
    for (const lock of locks) lock[Symbol.dispose]();
  }
}

/** Writes a file. Returns a lock on it, which shows that its process runs. */
async function writeToDisk(path: string, contents: string | Uint8Array): Promise<Disposable> {
  const file = await fs.open(path, "w");
  const lock = await lockFile(path);
  try {
    await file.writeFile(contents);
    await file.sync();
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  } finally {
    await file.close();
  }
  return lock;
}

/** Locks a file until the result is disposed of, where the runtime and the file system can. */
async function lockFile(path: string): Promise<Disposable> {
  if (typeof Deno === "undefined") return { [Symbol.dispose]() {} };
  const file = await Deno.open(path, { write: true });
  await file.tryLock(true).catch(() => {});
  return file;
}
