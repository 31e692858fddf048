// Node's modules, which Deno and Bun have too. They are not imported, so that browsers can load what uses them.

import type * as fs from "node:fs";
import type * as os from "node:os";
import type process from "node:process";

/** What this module uses of the runtime. */
export interface NodeModules {
  readonly fs: typeof fs;
  readonly os: typeof os;
  readonly process: typeof process;
}

/**
 * Returns the runtime's files and process.
 *
 * @param doing What the caller is doing, as it follows "Cannot" in the error.
 * @throws {Error} In a browser, or a runtime that is too old.
 */
export function nodeModules(doing: string): NodeModules {
  const found = (globalThis as { process?: typeof process }).process;
  if (found?.getBuiltinModule === undefined) {
    throw new Error(
      `Cannot ${doing}: the runtime must have files and processes, as Deno 2, Node 22 and Bun 1.2 or later do, got one without`,
    );
  }
  return { process: found, fs: found.getBuiltinModule("node:fs"), os: found.getBuiltinModule("node:os") };
}

/** The code of a system error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}
