/** What a failure to read says, in one line. */
export function readingFailed(path: string, error: unknown): Error {
  const reason = error instanceof Deno.errors.NotFound
    ? "there is no such file"
    : error instanceof Deno.errors.IsADirectory
    ? "it must be a file, got a folder"
    : (error as Error).message;
  return new Error(`Cannot read ${path}: ${reason}`, { cause: error });
}

/** Reads a file; a failure names the file and the reason in one line. */
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
