import { harmless } from "@unfold/core/support";
import { process } from "./host.ts";

export { listed, printable, quoted } from "@unfold/core/support";

/**
 * Prints results on stdout: everything that an app prints goes through this function, {@linkcode say} or
 * {@linkcode asData}, so that no text from a file steers the terminal. A JSON document stays the same document, since JSON
 * has the same escapes.
 */
export function print(text: string): void {
  console.log(harmless(text));
}

/** Prints on stderr what is no result: progress, notes, warnings and errors. */
export function say(text: string): void {
  console.error(harmless(text));
}

/** Text for stdout that another program may read: as it is in a file or a pipe, safe to print on a terminal. */
export function asData(text: string, isTerminal: boolean = process?.stdout.isTTY ?? false): string {
  return isTerminal ? harmless(text) : text;
}

/** Prints text on stdout that another program may read, as {@linkcode asData} gives it. */
export function printData(text: string): void {
  console.log(asData(text));
}
