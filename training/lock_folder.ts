/** The lock file's name. */
const NAME = ".lock";

/** Who holds a lock, as the lock file says. */
interface Holder {
  readonly pid: number;
  readonly host: string | undefined;
}

/**
 * Reserves a folder for one run, so that two runs cannot replace each other's files. Creates the folder if it is missing. The
 * lock is the operating system's, on the file `.lock`: the system releases it when the process ends, however it ends, so a file
 * that a killed process leaves behind locks nothing. The file names the process, and the host if `--allow-sys=hostname` is
 * granted.
 *
 * A file system without locks is used without one.
 *
 * @param folder The folder's path.
 * @returns The lock; disposing of it releases the folder.
 * @throws {Error} If another run holds the folder. The message names its process. Or if the folder cannot be written to.
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
  const path = `${folder}/${NAME}`;
  while (true) {
    let file: Deno.FsFile;
    try {
      await Deno.mkdir(folder, { recursive: true });
      file = await Deno.open(path, { read: true, write: true, create: true });
    } catch (error) {
      throw new Error(`Cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
    }
    // Without support for locks, the run goes ahead.
    const isLocked = await file.tryLock(true).catch(() => true);
    if (!isLocked) {
      file.close();
      throw new Error(
        `Cannot use ${folder}: it must be used by one run at a time, got another run in it${await holderOf(path)}; ` +
          "wait until that ends, or choose another folder",
      );
    }
    // The holder before may have removed the file between the two calls above.
    if (!await isStillAt(path, file)) {
      file.close();
      continue;
    }
    await file.truncate();
    const holder: Holder = { pid: Deno.pid, host: hostname() };
    await file.write(new TextEncoder().encode(`${JSON.stringify(holder)}\n`));
    return {
      [Symbol.dispose]() {
        try {
          Deno.removeSync(path);
        } catch {
          // The folder is gone, or not writable any more. The lock ends all the same.
        }
        file.close();
      },
    };
  }
}

/** Whether an open file is the one at a path. */
async function isStillAt(path: string, file: Deno.FsFile): Promise<boolean> {
  const [own, there] = [await file.stat(), await Deno.stat(path).catch(() => undefined)];
  return there !== undefined && own.ino === there.ino && own.dev === there.dev;
}

/** The holder of a lock in words, if the file names one. */
async function holderOf(path: string): Promise<string> {
  try {
    const { pid, host } = JSON.parse(await Deno.readTextFile(path)) as Holder;
    return Number.isInteger(pid) ? `, process ${pid}${/^[\w.-]{1,80}$/.test(host ?? "") ? ` on ${host}` : ""}` : "";
  } catch {
    return "";
  }
}

function hostname(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : undefined;
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
    using opened = await Deno.open(folder);
    await opened.sync();
  } catch {
    // The files themselves are synced.
  }
}
