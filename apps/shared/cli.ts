import { type Command, CommanderError, InvalidArgumentError } from "@commander-js/extra-typings";
import { useBlas } from "@unfold/core";
import { harmless } from "@unfold/core/support";
import { Checkpoints } from "@unfold/training";
import process from "node:process";
import { isOwnError } from "./errors.ts";
import { args } from "./host.ts";
import { giveUpFfi } from "./permissions.ts";
import type { Note } from "./tables/table.ts";
import { printable, say } from "./printable.ts";

/** Bad usage found after parsing the options. Exit code 2, as for an unknown option. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The user stopped the command before its end. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";

  constructor(message: string, readonly exitCode: number) {
    super(message);
  }
}

/** Parses an option's argument as an integer from `least` to `most`. */
export function integer(least: number, most = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      `It must be an integer ${most === Infinity ? `of ${least} or more` : `from ${least} to ${most}`}.`,
    );
  };
}

/** Parses a seed. A run with several seeds counts up from it, so it is far below the largest integer. */
export const seedFrom = integer(0, 2 ** 32 - 1);

/** Parses an option's argument as a number strictly between two bounds. */
export function between(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value > low && value < high) return value;
    throw new InvalidArgumentError(`It must be a number above ${low}${high === Infinity ? "" : ` and below ${high}`}.`);
  };
}

/** Parses an option's argument as a number from `low` (included) to `high` (excluded). */
export function from(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= low && value < high) return value;
    throw new InvalidArgumentError(
      `It must be a number of ${low} or more${high === Infinity ? "" : ` and below ${high}`}.`,
    );
  };
}

/** Parses an option's argument as a number above 0 and at most 1. */
export function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number above 0 and at most 1.");
}

/** The lines of a text in one. */
function inOneLine(text: string): string {
  return text.trim().split("\n").map((line) => line.trim()).join(" ");
}

/** The most characters of an error that are printed. */
const LONGEST_MESSAGE = 2000;

/** An error of the program, whose message may quote a file all the same. */
function withHarmlessText(error: unknown): unknown {
  if (error instanceof Error) {
    error.message = harmless(error.message);
    error.stack = harmless(error.stack ?? "");
  }
  return error;
}

/**
 * Runs a command line. Errors about the user's input become one line on stderr; anything else is a bug and is rethrown.
 *
 * @returns The exit code: 0, 1 for bad data, 2 for bad usage, 130 or 143 if stopped.
 */
export async function runCommand(program: Command, args: readonly string[]): Promise<number> {
  const withNested = (command: Command): Command[] => [
    command,
    ...(command.commands as readonly Command[]).flatMap(withNested),
  ];
  for (const command of withNested(program)) {
    command.exitOverride().configureOutput({
      // Reading the colour settings from the environment would need a permission.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      writeErr: (text) => say(printable(inOneLine(text), LONGEST_MESSAGE)),
    });
  }
  program.hook("preAction", (_, command) => {
    const { blas, distributed }: { blas?: unknown; distributed?: unknown } = command.opts();
    if (blas === undefined && distributed === undefined) giveUpFfi();
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof StoppedError) {
      if (error.message !== "") say(error.message);
      return error.exitCode;
    }
    if (!(error instanceof UsageError || isOwnError(error))) throw withHarmlessText(error);
    // Clears an unfinished progress line on a terminal.
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    say(`error: ${printable(error.message, LONGEST_MESSAGE)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Runs an app with the arguments of this process, and exits if it fails. */
export async function runProgram(program: unknown): Promise<void> {
  const code = await runCommand(program as Command, args);
  // Other ranks that still wait would keep the process alive.
  if (code !== 0) process.exit(code);
}

/** Printed when a resumable run is stopped. */
export const HOW_TO_RESUME = "Run the same command with --resume to continue.";

/** Warns if there is no checkpoint to resume from: the run is finished, or was never started. */
export async function sayIfNew(folder: string): Promise<void> {
  const found = await new Checkpoints({ folder }).list();
  if (found.length === 0) say(`no checkpoint in ${folder}: training from the start`);
}

/** Notes and warnings that are printed. */
const MOST_SAID = 8;

/** Prints what was decided while a file was read, and what looks odd, on stderr. */
export function sayNotes(notes: readonly Note[]): void {
  for (const { level, text } of notes.slice(0, MOST_SAID)) say(`${level}: ${text}`);
  if (notes.length > MOST_SAID) say(`note: ${notes.length - MOST_SAID} more notes on how the file was read`);
}

/** Uses OpenBLAS. If it cannot, prints why and continues without it: training is then slower. */
export function tryBlas(library: string | true, { quiet = false }: { readonly quiet?: boolean } = {}): void {
  const tell = (text: string) => quiet || say(text);
  try {
    tell(`using OpenBLAS for matrix products: ${useBlas(library === true ? undefined : library).path}`);
  } catch (error) {
    tell(`${(error as Error).message}; using WebAssembly instead`);
  }
}
