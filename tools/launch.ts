/** Launches one program of a task that has several, such as `deno task bench matmul`. */

/** One program of a task. */
export interface Program {
  /** One line for the list. */
  readonly description: string;
  /** Commands to run in order, with words separated by spaces. The last one gets the task's remaining arguments. */
  readonly commands: readonly string[];
}

/** The programs of a task by name. */
export type Programs = Readonly<Record<string, Program>>;

/** The help text of a task: its programs, one line each. */
function help(task: string, programs: Programs, all: readonly string[]): string {
  const width = Math.max(...Object.keys(programs).map((name) => name.length));
  const lines = Object.entries(programs).map(([name, { description }]) => `  ${name.padEnd(width)}  ${description}`);
  const usage = all.length === 0 ? "<name> [options]" : `[name] [options]; without a name, runs ${all.join(", ")}`;
  return [`Usage: deno task ${task} ${usage}`, "", ...lines].join("\n");
}

/** Runs a command in this terminal and returns its exit code. The command `deno` means the current executable. */
function run(command: string, more: readonly string[]): number {
  const [program, ...args] = command.split(" ");
  const path = program === "deno" ? Deno.execPath() : program!;
  const child = new Deno.Command(path, {
    args: [...args, ...more],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  return child.outputSync().code;
}

/**
 * Runs the program named by the first argument. Stops at the first command that fails.
 *
 * @param programs All programs of the task.
 * @param args The task's arguments: a name, then options for the program.
 * @param options `all` holds the programs to run if no name is given; without it, the list is printed.
 * @returns The exit code: of the command that failed, or 2 for an unknown name.
 */
export function launch(
  task: string,
  programs: Programs,
  [name, ...options]: readonly string[],
  { all = [] }: { readonly all?: readonly string[] } = {},
): number {
  if (name === "--help" || (name === undefined && all.length === 0)) {
    console.log(help(task, programs, all));
    return 0;
  }
  if (name !== undefined && !Object.hasOwn(programs, name)) {
    console.error(`error: Cannot run ${task}: name must be one of ${Object.keys(programs).join(", ")}, got ${name}`);
    return 2;
  }
  for (const { commands } of (name === undefined ? all : [name]).map((each) => programs[each]!)) {
    for (const [i, command] of commands.entries()) {
      const code = run(command, i === commands.length - 1 ? options : []);
      if (code !== 0) return code;
    }
  }
  return 0;
}
