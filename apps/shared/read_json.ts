import { readTextFile } from "./read_file.ts";

/**
 * Reads a JSON document that one of the commands wrote.
 *
 * @param has A key that it must have.
 */
export async function readJson(path: string, has: string): Promise<unknown> {
  const text = await readTextFile(path);
  try {
    const value = JSON.parse(text);
    if (Object.hasOwn(Object(value), has)) return value;
  } catch {
    // Said below.
  }
  throw new Error(`Cannot read ${path}: it must be JSON with ${has}, got ${JSON.stringify(text.slice(0, 40))}`);
}

/**
 * Makes something of a document that one of the commands wrote; its parts are taken to be as they were written.
 *
 * @throws {Error} If they are not.
 */
export async function asWritten<T>(path: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(`Cannot report: ${path} must be as train wrote it, and lacks a part`, { cause: error });
  }
}
