/** The C library's way out, which runs nothing on the way. */
export interface Exit {
  exit(code: number): void;
}

/** Prints why, and leaves at once: other threads may be in the middle of what cannot be called back. */
export function leave({ exit }: Exit, message: string): never {
  console.error(`error: ${message}`);
  exit(1);
  throw new Error(message);
}

/**
 * Makes sure that a rank never ends in silence while others count on it. An error would end the process in the middle of what
 * another thread does, and an end without a goodbye would have the launcher kill the others and report success.
 *
 * @returns To be called when the ranks have said goodbye.
 */
export function leaveOnErrors(library: Exit): () => void {
  let isOver = false;
  addEventListener("error", (event) => {
    console.error(event.error);
    library.exit(1);
  });
  addEventListener("unhandledrejection", (event) => {
    console.error(event.reason);
    library.exit(1);
  });
  addEventListener("unload", () => {
    if (!isOver && Deno.exitCode === 0) {
      leave(library, "Cannot end here: close() must be called on every rank, and was not");
    }
    // What a library leaves behind for the end of the process may crash it.
    library.exit(Deno.exitCode);
  });
  return () => void (isOver = true);
}
