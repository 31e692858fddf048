import { type Command, CommanderError, InvalidArgumentError } from "@commander-js/extra-typings";
import { useBlas } from "@unfold/core";
import { Checkpoints } from "@unfold/training";

/** Bad usage found only after the options were parsed: exit code 2, as for an unknown option. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The user stopped the command: no error, but nothing was finished either. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";

  constructor(message: string, readonly exitCode: number) {
    super(message);
  }
}

/** Parses a whole number from `least` to `most`, as an option's argument. */
export function integer(least: number, most = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      `It must be a whole number ${most === Infinity ? `of ${least} or more` : `from ${least} to ${most}`}.`,
    );
  };
}

/** Parses a number between two bounds, both excluded, as an option's argument. */
export function between(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value > low && value < high) return value;
    throw new InvalidArgumentError(`It must be a number above ${low}${high === Infinity ? "" : ` and below ${high}`}.`);
  };
}

/** Parses a number between two bounds, the lower one included, as an option's argument. */
export function from(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= low && value < high) return value;
    throw new InvalidArgumentError(
      `It must be a number of ${low} or more${high === Infinity ? "" : ` and below ${high}`}.`,
    );
  };
}

/** Parses a share above 0, all at most, as an option's argument. */
export function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number above 0, 1 at most.");
}

/** Messages of the engine's own errors that start as ours do. */
const ENGINE_MESSAGE =
  /^Cannot (?:(?:read|set) propert|destructure|access|convert|mix|perform|assign|delete|redefine|create)/;

/** Whether an error is about what the user gave, and its message is all they need. */
function isExpected(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error instanceof UsageError || (error.message.startsWith("Cannot ") && !ENGINE_MESSAGE.test(error.message));
}

/**
 * Runs a command line and returns the exit code: 0, 1 for bad data, 2 for bad usage, 130 or 143 where it was stopped.
 * Errors that are the user's to mend become one line on stderr; anything else is a bug and is thrown on.
 */
export async function runCommand(program: Command, args: readonly string[]): Promise<number> {
  const withNested = (command: Command): Command[] => [
    command,
    ...(command.commands as readonly Command[]).flatMap(withNested),
  ];
  for (const command of withNested(program)) {
    command.exitOverride().configureOutput({
      // Asking for the environment's colours would need a permission.
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
    // On a terminal an open line of progress may stand where the message goes.
    console.error(`${Deno.stderr.isTerminal() ? "\r\x1b[K" : ""}error: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Says so where a run is to be gone on with that left no checkpoint: it was finished, or never begun. */
export async function sayIfNew(folder: string): Promise<void> {
  const found = await new Checkpoints({ folder }).list();
  if (found.length === 0) console.error(`${folder} has no checkpoint to go on from: training starts anew`);
}

/** Uses OpenBLAS, or says why not and goes on without: the result is the same, only later. */
export function tryBlas(
  library: string | true,
  { quiet = false, ...options }: { readonly threads?: number; readonly quiet?: boolean } = {},
): void {
  const say = (text: string) => quiet || console.error(text);
  try {
    say(`matrix products by ${useBlas(library === true ? undefined : library, options).path}`);
  } catch (error) {
    say(`${(error as Error).message}; going on with WebAssembly`);
  }
}
