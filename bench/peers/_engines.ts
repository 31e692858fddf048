import { pythonWith } from "../../tools/testing.ts";
import { outputOf } from "../_measure.ts";
import type { Report } from "./_workload.ts";

/** Seconds to repeat steps for, and the time limit of a run. */
const [SECONDS, PATIENCE] = [1, 50];

/** A program that runs a workload. It takes the workload's name, the seconds, and the options. */
export interface Engine {
  readonly name: string;
  /** Variants of one library share a family; ratios use its fastest variant. */
  readonly family: string;
  readonly command: string;
  /** Arguments of the command up to the program. */
  readonly program: readonly string[];
  readonly options: readonly string[];
}

/** The result of a run, or the reason why it failed. */
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

const APART = ["--no-config", "--no-lock", "--node-modules-dir=none"];

/**
 * A program in `apart/`. Its packages are not dependencies of the project, so it runs without the project's
 * configuration. The packages read settings from the environment.
 */
function apart(name: string, file: string, ...options: string[]): Engine {
  const flags = ["--no-prompt", "--no-check", ...APART];
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

/** Downloads the packages of the programs in `apart/`. */
export function install(): void {
  const programs = ["brain.ts", "jax.ts", "tfjs.ts"].map((file) => here(`apart/${file}`));
  outputOf(deno, ["cache", "--quiet", ...APART, ...programs]);
}

/** Runs a workload in a new process. */
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
