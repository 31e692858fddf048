/** The engines that `run.ts` compares, and the processes that they run in. */

import { build, stop } from "esbuild";
import { environment } from "../../tools/python.ts";
import { outputOf } from "../_measure.ts";
import type { First, Turn } from "./_workload.ts";

/** Seconds that an engine may take for its first step, or for a turn. */
const PATIENCE = 30;

/** What is measured: training steps of a workload, or the character model at a hidden size. */
export type Case =
  | { readonly task: "train"; readonly name: string }
  | { readonly task: "stream" | "batch"; readonly name: string; readonly hidden: number };

/** A library in one configuration. */
export interface Engine {
  readonly name: string;
  /** Variants of one library share a family; ratios use its fastest variant. */
  readonly family: string;
  readonly threads: number;
  /** The command that runs a case, `undefined` if the engine has no program for it, or the reason why it cannot. */
  command(of: Case): readonly string[] | string | undefined;
}

const TFJS = "4.22.0";

/** Why there is no result. */
export interface Problem {
  readonly problem: string;
}

const here = (file: string) => new URL(file, import.meta.url).pathname;
const deno = Deno.execPath();
/** A folder for the trained weights and the ONNX files of the inference cases. */
const models = await Deno.makeTempDir();

const FLAGS = ["run", "--no-prompt", "--allow-read", "--allow-ffi", "--allow-env"];
/** Its packages are not dependencies of the project, so a program in `apart/` runs without the project's configuration. */
const APART = ["--no-config", "--no-lock", "--node-modules-dir=none"];

/** The Python with the packages, or the reason why there is none. */
const python = ((): string | Problem => {
  try {
    return environment("bench/peers");
  } catch (error) {
    return { problem: (error as Error).message };
  }
})();

function inPython(program: string, args: readonly string[]): readonly string[] | string {
  return typeof python === "string" ? [python, here(program), ...args] : python.problem;
}

function unfold(family: string, threads: number): Engine {
  const options = [family, `${threads}`];
  return {
    name: `Unfold, ${family}, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
    family,
    threads,
    command: (of) =>
      of.task === "train"
        ? [deno, ...FLAGS, here("unfold.ts"), of.name, ...options]
        : [deno, ...FLAGS, here("unfold_inference.ts"), of.task, `${of.hidden}`, models, ...options],
  };
}

function pytorch(threads: number, flush = false): Engine {
  const args = [`${threads}`, ...(flush ? ["flush"] : [])];
  const name = `PyTorch, ${threads === 1 ? "1 thread" : `${threads} threads`}${flush ? ", flush_denormal" : ""}`;
  return {
    name,
    family: "PyTorch",
    threads,
    // Only the gradients of `sentiment` become denormal.
    command: (of) =>
      of.task !== "train" || (flush && of.name !== "sentiment")
        ? undefined
        : inPython("pytorch.py", [of.name, ...args]),
  };
}

function jax(threads: number): Engine {
  return {
    name: `JAX, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
    family: "JAX",
    threads,
    command: (of) => of.task === "train" ? inPython("xla.py", [of.name, `${threads}`]) : undefined,
  };
}

function onnxRuntime(threads: number): Engine {
  return {
    name: `ONNX Runtime, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
    family: "ONNX Runtime",
    threads,
    command: (of) =>
      of.task === "train"
        ? undefined
        : [deno, ...FLAGS, here("onnx_runtime.ts"), of.task, `${of.hidden}`, models, `${threads}`],
  };
}

const apart = (file: string) => [deno, ...FLAGS, "--no-check", ...APART, here(`apart/${file}`)];

function tfjs(backend: string): Engine {
  return {
    name: `tfjs-${backend}`,
    family: "TensorFlow.js",
    threads: 1,
    command: (of) =>
      of.task === "train"
        ? [...apart("tfjs.ts"), of.name, backend]
        : [...apart("tfjs_inference.ts"), of.task, `${of.hidden}`, models, backend],
  };
}

function trainer(name: string, file: string): Engine {
  return {
    name,
    family: name,
    threads: 1,
    command: (of) => of.task === "train" ? [...apart(file), of.name] : undefined,
  };
}

/** TensorFlow.js with its native library, which is made for Node and downloaded when the package is installed. */
const tfjsNode: Engine = {
  name: "tfjs-node",
  family: "TensorFlow.js",
  threads: 2,
  command: (of) =>
    nodeProblem ?? (
      of.task === "train"
        ? ["node", `${NODE}/tfjs.mjs`, of.name, "tensorflow"]
        : ["node", `${NODE}/tfjs_inference.mjs`, of.task, `${of.hidden}`, models, "tensorflow"]
    ),
};

/** The folder of the programs that run in Node, and of their packages. */
const NODE = "bench/peers/.node";
let nodeProblem: string | undefined;

/** Installs the packages of {@linkcode tfjsNode}, and bundles its programs for Node. */
async function installForNode(): Promise<void> {
  await Deno.mkdir(NODE, { recursive: true });
  const dependencies = Object.fromEntries(
    ["", "-backend-wasm", "-node"].map((part) => [`@tensorflow/tfjs${part}`, TFJS]),
  );
  await Deno.writeTextFile(`${NODE}/package.json`, JSON.stringify({ type: "module", dependencies }));
  await Deno.copyFile(here("workloads.json"), `${NODE}/workloads.json`);
  try {
    const args = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
    const { success } = await new Deno.Command("npm", { args, cwd: NODE, stdout: "null", stderr: "null" }).output();
    if (!success) nodeProblem = "its native library could not be downloaded";
  } catch (error) {
    nodeProblem = `npm could not be run: ${(error as Error).message}`;
  }
  if (nodeProblem !== undefined) return;
  await build({
    entryPoints: ["tfjs", "tfjs_inference"].map((name) => here(`apart/${name}.ts`)),
    outdir: NODE,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "error",
    plugins: [{
      name: "npm",
      setup: ({ onResolve }) =>
        onResolve(
          { filter: /^npm:/ },
          ({ path }) => ({ path: path.replace(/^npm:|(?<=.)@[\d.]+$/g, ""), external: true }),
        ),
    }],
  });
  await stop();
}

/** Unfold and its peers. */
export const engines: readonly Engine[] = [
  unfold("WebAssembly", 1),
  unfold("WebAssembly", 2),
  unfold("OpenBLAS", 1),
  unfold("OpenBLAS", 2),
  pytorch(1),
  pytorch(2),
  pytorch(1, true),
  pytorch(2, true),
  jax(1),
  jax(2),
  onnxRuntime(1),
  onnxRuntime(2),
  tfjs("wasm"),
  tfjs("cpu"),
  tfjsNode,
  trainer("jax-js", "jax.ts"),
  trainer("brain.js", "brain.ts"),
];

/** Downloads the packages of the programs in `apart/`, and trains the models of the inference cases. */
export async function prepare(): Promise<void> {
  const programs = ["brain.ts", "jax.ts", "tfjs.ts", "tfjs_inference.ts"].map((file) => here(`apart/${file}`));
  outputOf(deno, ["cache", "--quiet", "--no-check", ...APART, ...programs]);
  outputOf(deno, ["run", "--no-prompt", "--allow-read", "--allow-write", here("unfold_inference.ts"), "train", models]);
  await installForNode();
}

/** Removes the models of the inference cases. */
export async function cleanUp(): Promise<void> {
  await Deno.remove(models, { recursive: true });
}

/** A started process of an engine, after its first step. */
export interface Running {
  /** Loss of the first step, and the library's version. */
  readonly first: First;
  /** Milliseconds from the start of the process to the end of the first step. */
  readonly startup: number;
  /** Repeats steps for a number of seconds: milliseconds of a step, and the CPU seconds that the process used. */
  turn(seconds: number): Promise<Turn & { readonly cpu: number } | Problem>;
  /** Peak memory in bytes, if the system tells. */
  peakMemory(): number | undefined;
  stop(): Promise<void>;
}

/** Starts an engine on a case. */
export async function start(command: readonly string[]): Promise<Running | Problem> {
  const started = Date.now();
  const [program, ...args] = command as [string, ...string[]];
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
  } catch (error) {
    return { problem: (error as Error).message.slice(0, 100) };
  }
  const said = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new Lines()).getReader();
  const input = child.stdin.getWriter();
  const stop = async () => {
    await input.close().catch(() => {});
    const timer = setTimeout(() => child.kill("SIGKILL"), 1000);
    await child.status;
    clearTimeout(timer);
  };
  /** The next line that is JSON, or why there is none. */
  const next = async <Line>(): Promise<Line | Problem> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), 1000 * PATIENCE));
    try {
      for (;;) {
        const read = await Promise.race([lines.read(), late]);
        if (read === "late") {
          child.kill("SIGKILL");
          return { problem: `no result within ${PATIENCE} s` };
        }
        if (read.done) return { problem: /Error: (.*)/.exec(await said)?.[1]?.slice(0, 100) ?? "it failed" };
        if (read.value.startsWith("{")) return JSON.parse(read.value);
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const first = await next<First>();
  if ("problem" in first) {
    await stop();
    return first;
  }
  const { pid } = child;
  return {
    first,
    startup: first.firstStep - started,
    async turn(seconds) {
      const before = cpuOf(pid);
      await input.write(new TextEncoder().encode(`${seconds}\n`));
      const turn = await next<Turn>();
      return "problem" in turn ? turn : { ...turn, cpu: cpuOf(pid) - before };
    },
    peakMemory() {
      const kibibytes = /VmHWM:\s*(\d+)/.exec(systemFile(`/proc/${pid}/status`))?.[1];
      return kibibytes === undefined ? undefined : 1024 * Number(kibibytes);
    },
    stop,
  };
}

/** Splits text into lines. */
class Lines extends TransformStream<string, string> {
  constructor() {
    let rest = "";
    super({
      transform(text, controller) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) controller.enqueue(line);
      },
    });
  }
}

/** A file of the system, or "" if there is none. `cat` needs no permission for all files. */
function systemFile(path: string): string {
  try {
    return outputOf("cat", [path]);
  } catch {
    return "";
  }
}

/** Kernel ticks per second, for `/proc`. */
const TICKS = 100;

/** CPU seconds that a process has used; NaN if the system does not tell. */
function cpuOf(pid: number): number {
  const fields = systemFile(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** CPU seconds that all processes of the machine have used; NaN if the system does not tell. */
export function machineCpu(): number {
  const [user, nice, system, _idle, _wait, irq, softirq, steal] = systemFile("/proc/stat").split("\n")[0]!.trim().split(
    /\s+/,
  )
    .slice(1).map(Number) as number[];
  return (user! + nice! + system! + irq! + softirq! + steal!) / TICKS;
}
