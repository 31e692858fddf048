/** Options for {@linkcode openLibrary}. */
export interface OpenLibraryOptions<T> {
  /** What the caller is doing, as it follows "Cannot" in error messages. */
  doing: string;
  /** The library's name in error messages. */
  name: string;
  /** The paths to try, in order. Absolute ones, so that `--allow-ffi=PATH` can name one of them. */
  paths: readonly string[];
  /** Opens the library at a path or throws: `(path) => Deno.dlopen(path, symbols)`. */
  open: (path: string) => T;
}

/** A shared library that {@linkcode openLibrary} found. */
export interface OpenedLibrary<T> {
  /** What `open` returned. */
  readonly library: T;
  /** The library's path. */
  readonly path: string;
}

/**
 * Opens the first shared library of the system that can be opened.
 *
 * @throws {Error} If no library can be opened. If a permission was missing, the message says so.
 *
 * @example
 * ```ts
 * import { openLibrary } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * const open = (path: string) => Deno.dlopen(path, {});
 * assert.throws(
 *   () => openLibrary({ doing: "use BLAS", name: "OpenBLAS", paths: ["/nowhere/a.so", "/nowhere/b.so"], open }),
 *   /^Error: Cannot use BLAS: /,
 * );
 * ```
 */
export function openLibrary<T>(options: OpenLibraryOptions<T>): OpenedLibrary<T> {
  const { doing, name, paths, open } = options;
  const problems: Error[] = [];
  for (const path of paths) {
    try {
      return { library: open(path), path };
    } catch (error) {
      problems.push(error as Error);
    }
  }
  // If a permission was missing, the library may well be installed.
  const denied = problems.find((error) => error.name === "NotCapable");
  const cause = denied ?? problems[0]!;
  let message = `Cannot ${doing}: ${name} must be installed, or its path given; it is at none of ${paths.join(", ")}`;
  if (denied !== undefined) {
    message = `Cannot ${doing}: ${denied.message}; ` +
      "to allow one library alone, give its absolute path and pass --allow-ffi=PATH";
  } else if (paths.length === 1) {
    const named = cause.message.includes(paths[0]!) ? cause.message : `${paths[0]}: ${cause.message}`;
    message = `Cannot ${doing}: ${named}`;
  }
  throw new Error(message, { cause });
}
