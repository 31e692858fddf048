import { pythonWith } from "../../tools/python_with.ts";
import type { Report } from "./_workload.ts";

/** Seconds that the steps of a run are repeated for, and that a run may take before it is given up. */
const [SECONDS, PATIENCE] = [1, 50];

/** A way of running workloads: a program that takes a workload's name, seconds, and what follows. */
export interface Engine {
  readonly name: string;
  /** Those of one library share it: the best number of threads is taken. */
  readonly family: string;
  readonly command: string;
  /** The program and what comes before it. */
  readonly program: readonly string[];
  readonly options: readonly string[];
}

/** What a run gave, or why it gave nothing. */
export type Outcome = Report & { readonly startup: number } | { readonly problem: string };

const here = (file: string) => new URL(file, import.meta.url).pathname;
const deno = Deno.execPath();

function unfold(family: string, name: string, threads: number): Engine {
  const program = ["run", "--no-prompt", "--allow-read", "--allow-ffi", here("unfold.ts")];
  return { name, family, command: deno, program, options: [`${threads}`] };
}

const python = pythonWith("torch") ?? "python3";

function pytorch(family: string, name: string, ...options: string[]): Engine {
  return { name, family, command: python, program: [here("pytorch.py")], options };
}

/** A program whose packages, which read settings from the environment, are no dependencies of the project: it runs without its configuration. */
function apart(name: string, file: string, ...options: string[]): Engine {
  const flags = ["--no-prompt", "--no-config", "--no-lock", "--node-modules-dir=none", "--no-check"];
  const program = ["run", ...flags, "--allow-read", "--allow-env", here(`apart/${file}`)];
  return { name, family: name, command: deno, program, options };
}

/** Unfold and its peers. */
export const engines: readonly Engine[] = [
  unfold("WebAssembly", "Unfold, WebAssembly", 0),
  unfold("OpenBLAS", "Unfold, OpenBLAS, 1 thread", 1),
  unfold("OpenBLAS", "Unfold, OpenBLAS, 2 threads", 2),
  pytorch("PyTorch", "PyTorch, 1 thread", "1"),
  pytorch("PyTorch", "PyTorch, 2 threads", "2"),
  pytorch("PyTorch with flush_denormal", "PyTorch, 1 thread, flush_denormal", "1", "flush"),
  apart("tfjs-wasm", "tfjs.ts", "wasm"),
  apart("tfjs-cpu", "tfjs.ts", "cpu"),
  apart("jax-js", "jax.ts"),
  apart("brain.js", "brain.ts"),
];

/** Runs a workload in a process of its own. */
export async function run({ command, program, options }: Engine, workload: string): Promise<Outcome> {
  const stopped = AbortSignal.timeout(1000 * PATIENCE);
  const start = Date.now();
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [...program, workload, `${SECONDS}`, ...options],
      signal: stopped,
      env: { NO_COLOR: "1" },
    }).output();
    if (success) {
      const report: Report = JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
      return { ...report, startup: report.firstStep - start };
    }
    if (stopped.aborted) return { problem: `no result within ${PATIENCE} s` };
    const said = new TextDecoder().decode(stderr);
    return { problem: /Error: (.*)/.exec(said)?.[1]?.slice(0, 80) ?? "it failed" };
  } catch (error) {
    return { problem: (error as Error).message.slice(0, 80) };
  }
}
