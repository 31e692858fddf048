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
