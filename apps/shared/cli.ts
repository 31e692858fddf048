import { type Command, CommanderError, InvalidArgumentError } from "@commander-js/extra-typings";
import { useBlas } from "@unfold/core";
import { Checkpoints } from "@unfold/training";

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

/** Errors of the engine that start like ours. */
const ENGINE_MESSAGE =
  /^Cannot (?:(?:read|set) propert|destructure|access|convert|mix|perform|assign|delete|redefine|create)/;

/** Whether an error is about the user's input. Then its message is enough, without a stack. */
function isExpected(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error instanceof UsageError || (error.message.startsWith("Cannot ") && !ENGINE_MESSAGE.test(error.message));
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
      writeErr: (text) => console.error(text.trim().replaceAll(/\s*\n\s*/g, " ")),
    });
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof StoppedError) {
      if (error.message !== "") console.error(error.message);
      return error.exitCode;
    }
    if (!isExpected(error)) throw error;
    // Clears an unfinished progress line on a terminal.
    console.error(`${Deno.stderr.isTerminal() ? "\r\x1b[K" : ""}error: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Printed when a resumable run is stopped. */
export const HOW_TO_RESUME = "Run the same command with --resume to continue.";

/** Warns if there is no checkpoint to resume from: the run is finished, or was never started. */
export async function sayIfNew(folder: string): Promise<void> {
  const found = await new Checkpoints({ folder }).list();
  if (found.length === 0) console.error(`no checkpoint in ${folder}: training from the start`);
}

/** Uses OpenBLAS. If it cannot, prints why and continues without it: training is then slower. */
export function tryBlas(
  library: string | true,
  { quiet = false, ...options }: { readonly threads?: number; readonly quiet?: boolean } = {},
): void {
  const say = (text: string) => quiet || console.error(text);
  try {
    say(`using OpenBLAS for matrix products: ${useBlas(library === true ? undefined : library, options).path}`);
  } catch (error) {
    say(`${(error as Error).message}; using WebAssembly instead`);
  }
}
