import type { Command } from "@commander-js/extra-typings";
import { CommanderError, InvalidArgumentError } from "@commander-js/extra-typings";

/** Bad usage found only after the options were parsed: exit code 2, as for an unknown option. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Parses a whole number of at least `least`, as an option's argument. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number of ${least} or more.`);
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

/** Whether an error is about what the user gave, and its message is all they need. */
function isExpected(error: unknown): error is Error {
  return error instanceof Error && (error.message.startsWith("Cannot ") || error instanceof UsageError);
}

/**
 * Runs a command line and returns the exit code: 0, 1 for bad data, 2 for bad usage. Errors that are the user's to mend
 * become one line on stderr; anything else is a bug and is thrown on.
 */
export async function runCommand(program: Command, args: readonly string[]): Promise<number> {
  const commands: readonly Command[] = [program, ...program.commands as readonly Command[]];
  for (const command of commands) {
    command.exitOverride().configureOutput({
      writeErr: (text) => console.error(text.trim().replaceAll(/\s*\n\s*/g, " ")),
    });
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!isExpected(error)) throw error;
    console.error(`error: ${error.message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}
