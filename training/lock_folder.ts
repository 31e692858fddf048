import { codeOf, nodeModules } from "./_node.ts";

/** The lock file's name. */
const NAME = ".lock";

/** Who holds a lock, as the lock file says. */
interface Holder {
  readonly pid: number;
  readonly host: string | undefined;
}

/**
 * Reserves a folder for one run, so that two runs cannot replace each other's files. Creates the folder if it is missing. The
 * file `.lock` in it names the process that holds it, and the host (in Deno only if `--allow-sys=hostname` is granted).
 *
 * In Deno the lock is the operating system's, on that file: the system releases it when the process ends, however it ends. A
 * file system without locks is used without one. In Node and Bun, which do not offer such locks, the file counts as long as
 * its process runs; a file from another host counts until somebody deletes it.
 *
 * @param folder The folder's path.
 * @returns The lock; disposing of it releases the folder.
 * @throws {Error} If another run holds the folder. The message names its process. Or if the folder cannot be written to, as in
 * browsers.
 *
 * @example
 * ```ts
 * import { lockFolder } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   using _ = await lockFolder(folder);
 *   await assert.rejects(() => lockFolder(folder), /^Error: Cannot use .*: it must be used by one run at a time/);
 * }
 * (await lockFolder(folder))[Symbol.dispose]();
 * await Deno.remove(folder);
 * ```
 */
export async function lockFolder(folder: string): Promise<Disposable> {
  const { fs } = nodeModules(`use ${folder}`);
  const path = `${folder}/${NAME}`;
  try {
    await fs.promises.mkdir(folder, { recursive: true });
    const release = await (typeof Deno === "undefined" ? createLock(path) : lockFile(path));
    if (release !== undefined) return { [Symbol.dispose]: release };
  } catch (error) {
    throw new Error(`Cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
  }
  throw new Error(
    `Cannot use ${folder}: it must be used by one run at a time, got another run in it${await holderOf(path)}; ` +
      "wait until that ends, or choose another folder",
  );
}

/** Locks a file with the system's lock, in Deno. Returns how to release it, or undefined if another process holds it. */
async function lockFile(path: string): Promise<(() => void) | undefined> {
  while (true) {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    // Without support for locks, the run goes ahead.
    const isLocked = await file.tryLock(true).catch(() => true);
    if (!isLocked) {
      file.close();
      return undefined;
    }
    // The holder before may have removed the file between the two calls above.
    if (!await isStillAt(path, file)) {
      file.close();
      continue;
    }
    await file.truncate();
    await file.write(new TextEncoder().encode(describeHolder()));
    return () => {
      removeFile(path);
      file.close();
    };
  }
}

/** Whether an open file is the one at a path. */
async function isStillAt(path: string, file: Deno.FsFile): Promise<boolean> {
  const [own, there] = [await file.stat(), await Deno.stat(path).catch(() => undefined)];
  return there !== undefined && own.ino === there.ino && own.dev === there.dev;
}

/** The locks that this process holds, by path. */
const held = new Set<string>();

/** Locks by creating a file, which only one process can. Returns the same as {@linkcode lockFile}. */
async function createLock(path: string): Promise<(() => void) | undefined> {
  const { fs } = nodeModules(`lock ${path}`);
  while (true) {
    try {
      await fs.promises.writeFile(path, describeHolder(), { flag: "wx" });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      const holder = await readHolder(path);
      // A file that names nobody is perhaps being written.
      if (holder === undefined ? fs.existsSync(path) : isRunning(holder, path)) return undefined;
      await fs.promises.rm(path, { force: true });
      continue;
    }
    const real = fs.realpathSync(path);
    held.add(real);
    return () => {
      held.delete(real);
      removeFile(path);
    };
  }
}

/** Whether the process that a lock file names still runs. One on another host may. */
function isRunning({ pid, host }: Holder, path: string): boolean {
  const { fs, process } = nodeModules(`lock ${path}`);
  if (host !== hostname()) return true;
  // In a container, a restarted program has the number of the one before.
  if (pid === process.pid) return held.has(fs.realpathSync(path));
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

function removeFile(path: string): void {
  try {
    nodeModules(`remove ${path}`).fs.unlinkSync(path);
  } catch {
    // The folder is gone, or not writable any more. The lock ends all the same.
  }
}

/** What a lock file says: this process. */
function describeHolder(): string {
  const holder: Holder = { pid: nodeModules("lock a folder").process.pid, host: hostname() };
  return `${JSON.stringify(holder)}\n`;
}

/** Who a lock file names, or undefined if it names nobody. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, host } = JSON.parse(await nodeModules(`read ${path}`).fs.promises.readFile(path, "utf8")) as Holder;
    return Number.isInteger(pid) ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

/** The holder of a lock in words, if the file names one. */
async function holderOf(path: string): Promise<string> {
  const { pid, host = "" } = await readHolder(path) ?? {};
  return pid === undefined ? "" : `, process ${pid}${/^[\w.-]{1,80}$/.test(host) ? ` on ${host}` : ""}`;
}

function hostname(): string | undefined {
  // Without permission, Deno would ask for it.
  const isAllowed = typeof Deno === "undefined" ||
    Deno.permissions.querySync({ name: "sys", kind: "hostname" }).state === "granted";
  return isAllowed ? nodeModules("lock a folder").os.hostname() : undefined;
}

/**
 * Makes the names of a folder's files last through a power failure: after this, files renamed into it are there, and only then
 * may others be removed. Where folders cannot be synced, as on Windows, it does nothing.
 *
 * @param folder The folder's path.
 *
 * @example
 * ```ts
 * import { syncFolder } from "@unfold/training";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/new`, "content");
 * await Deno.rename(`${folder}/new`, `${folder}/file`);
 * await syncFolder(folder);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const opened = await nodeModules(`sync ${folder}`).fs.promises.open(folder);
    await opened.sync().finally(() => opened.close());
  } catch {
    // The files themselves are synced.
  }
}
