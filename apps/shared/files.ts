/** Whether a file or folder exists. */
export function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

/** Turns a failure to read a file into an error with a one-line message. */
export function readingFailed(path: string, error: unknown): Error {
  const reason = error instanceof Deno.errors.NotFound
    ? "there is no such file"
    : error instanceof Deno.errors.IsADirectory
    ? "it must be a file, got a folder"
    : (error as Error).message;
  return new Error(`Cannot read ${path}: ${reason}`, { cause: error });
}

/** Reads a file. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw readingFailed(path, error);
  }
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
 * Reads a JSON document that a command wrote.
 *
 * @param has A key that it must have.
 */
export async function readJson(path: string, has: string): Promise<unknown> {
  const text = await readTextFile(path);
  try {
    const value = JSON.parse(text);
    if (Object.hasOwn(Object(value), has)) return value;
  } catch {
    // Reported below.
  }
  throw new Error(`Cannot read ${path}: it must be JSON with ${has}, got ${JSON.stringify(text.slice(0, 40))}`);
}

/**
 * Processes a document that a command wrote without validating it first.
 *
 * @throws {Error} If a part turns out to be missing.
 */
export async function asWritten<T>(path: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(`Cannot report: ${path} must be complete, as train wrote it, got a missing part; run train again`, {
      cause: error,
    });
  }
}

function failed(folder: string, error: unknown): Error {
  return new Error(`Cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
}

/**
 * Creates a folder if it does not exist, and checks before a long run that files can be written there.
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: "." }));
  } catch (error) {
    throw failed(folder, error);
  }
}

/**
 * Writes files into a folder. They get temporary names first and are then renamed, so that no file is ever incomplete.
 *
 * @param folder The folder, which must exist.
 * @param files Contents by file name.
 */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const temporary = (name: string) => `${folder}/.${name}.${Deno.pid}.tmp`;
  const names = Object.keys(files);
  try {
    for (const name of names) {
      const contents = files[name]!;
      await Deno.writeFile(
        temporary(name),
        typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
      );
      const there = await Deno.lstat(`${folder}/${name}`).catch(() => undefined);
      if (there?.isDirectory) throw new Error(`${name} must be a file, got a folder`);
    }
    for (const name of names) await Deno.rename(temporary(name), `${folder}/${name}`);
  } catch (error) {
    await Promise.allSettled(names.map((name) => Deno.remove(temporary(name))));
    throw failed(folder, error);
  }
}
