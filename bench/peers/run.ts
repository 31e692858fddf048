/**
 * The workloads of workloads.json by Unfold and its peers, each run in a process of its own and in turns: whole training steps
 * (forward, backward, Adam). Writes bench/RESULTS.md. A peer that is not there, or cannot run a workload, says why.
 *
 *     deno task bench:peers
 *
 * @module
 */

import { formatNumber } from "../../apps/shared/format_number.ts";
import { writeFiles } from "../../apps/shared/write_files.ts";
import { median } from "../_measure.ts";
import { pythonWithTorch } from "../_python.ts";
import { loadWorkloads } from "./_workload.ts";

const ROUNDS = 3;
/** Seconds of a round, and how long one may take before it is given up. */
const [SECONDS, PATIENCE] = [1.5, 60];
/** How far the first losses may lie apart, relatively: the arithmetic is the same. */
const SAME = 1e-4;

/** A way of running a workload: a command. */
interface Engine {
  readonly name: string;
  readonly command: string;
  readonly args: (workload: string) => readonly string[];
}

const here = (file: string) => new URL(file, import.meta.url).pathname;
const deno = Deno.execPath();
const unfold = (name: string, threads: number): Engine => ({
  name,
  command: deno,
  args: (
    workload,
  ) => ["run", "--no-prompt", "--allow-read", "--allow-ffi", here("unfold.ts"), workload, `${SECONDS}`, `${threads}`],
});
const python = pythonWithTorch();
const pytorch = (name: string, ...more: string[]): Engine => ({
  name,
  command: python ?? "python3",
  args: (workload) => [here("pytorch.py"), workload, `${SECONDS}`, ...more],
});
// Its packages are no dependency of the project, and read settings from the environment.
const APART = ["run", "--no-prompt", "--no-config", "--no-lock", "--node-modules-dir=none", "--no-check"];
const tfjs = (name: string, backend: string): Engine => ({
  name,
  command: deno,
  args: (workload) => [...APART, "--allow-read", "--allow-env", here("tfjs.ts"), workload, `${SECONDS}`, backend],
});
const engines: readonly Engine[] = [
  unfold("Unfold, WebAssembly", 0),
  unfold("Unfold, OpenBLAS, 1 thread", 1),
  unfold("Unfold, OpenBLAS, 2 threads", 2),
  pytorch("PyTorch, 1 thread", "1"),
  pytorch("PyTorch, 2 threads", "2"),
  pytorch("PyTorch, 1 thread, flush_denormal", "1", "flush"),
  tfjs("tfjs-wasm", "wasm"),
  tfjs("tfjs-cpu", "cpu"),
];

/** What a run gave, or why it gave nothing. */
type Outcome = { readonly loss: number; readonly milliseconds: number } | { readonly problem: string };

async function run({ command, args }: Engine, workload: string): Promise<Outcome> {
  const stopped = AbortSignal.timeout(1000 * PATIENCE);
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [...args(workload)],
      signal: stopped,
      env: { NO_COLOR: "1" },
    }).output();
    if (success) return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
    if (stopped.aborted) return { problem: `no result within ${PATIENCE} s` };
    const said = new TextDecoder().decode(stderr);
    return { problem: /Error: (.*)/.exec(said)?.[1]?.slice(0, 80) ?? "it failed" };
  } catch (error) {
    return { problem: (error as Error).message.slice(0, 80) };
  }
}

/** What was measured of an engine on a workload. */
interface Cell {
  readonly times: number[];
  loss?: number;
  problem?: string;
}

const workloads = await loadWorkloads();
const cells = new Map<string, Cell>();
const cellOf = (workload: string, engine: Engine) => {
  const key = `${workload}/${engine.name}`;
  const cell = cells.get(key) ?? { times: [] };
  cells.set(key, cell);
  return cell;
};
for (const { name } of workloads) {
  for (let round = 1; round <= ROUNDS; round++) {
    for (const engine of engines) {
      const cell = cellOf(name, engine);
      // What fails or takes long is not tried again.
      if (cell.problem !== undefined || (round > 1 && median(cell.times) > 2000)) continue;
      const outcome = await run(engine, name);
      if ("problem" in outcome) cell.problem = outcome.problem;
      else {
        cell.times.push(outcome.milliseconds);
        cell.loss = outcome.loss;
      }
    }
    console.error(`${name}: round ${round}/${ROUNDS}`);
  }
}

const [reference] = engines as [Engine];
const shown = (workload: string, engine: Engine): string => {
  const { times, loss, problem } = cellOf(workload, engine);
  if (problem !== undefined || times.length === 0) return "—";
  const expected = cellOf(workload, reference).loss!;
  const isSame = Math.abs(loss! / expected - 1) <= SAME;
  const digits = (value: number) => formatNumber(Number(value.toPrecision(3)));
  const spread = times.length < 2 ? "" : ` (${digits(Math.min(...times))}–${digits(Math.max(...times))})`;
  return `${digits(median(times))}${spread}${isSame ? "" : " ≠"}`;
};
const bestOf = (workload: string, prefix: string) =>
  Math.min(
    ...engines.filter(({ name }) => name.startsWith(prefix) && !name.endsWith("denormal"))
      .map((engine) => cellOf(workload, engine).times).filter(({ length }) => length > 0).map(median),
  );
const ratio = (workload: string, ours: string, theirs: string) => {
  const value = bestOf(workload, theirs) / bestOf(workload, ours);
  return Number.isFinite(value) ? `${value.toPrecision(3)}×` : "—";
};
const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
const head = (titles: readonly string[]) => [line(titles), line(titles.map(() => "---"))];
const problems = workloads.flatMap(({ name }) =>
  engines.flatMap((engine) => {
    const { problem } = cellOf(name, engine);
    return problem === undefined ? [] : [`- ${engine.name}, ${name}: ${problem}`];
  })
);
/** What the machine calls its processor. */
function processorName(): string {
  try {
    const { stdout } = new Deno.Command("lscpu", { env: { LC_ALL: "C" } }).outputSync();
    return /Model name:\s*(.*)/.exec(new TextDecoder().decode(stdout))?.[1] ?? Deno.build.arch;
  } catch {
    return Deno.build.arch;
  }
}

const text = [
  "# Whole training steps beside the peers",
  "",
  `Milliseconds of a step (forward, backward, Adam), median (least–most) of ${ROUNDS} runs in turns. ${processorName()}, ` +
  `${navigator.hardwareConcurrency} cores, Deno ${Deno.version.deno}, ${new Date().toISOString().slice(0, 10)}. ` +
  "Written by `deno task bench:peers`; `bench/peers/workloads.json` has the sizes. All start from equal weights and inputs; " +
  `"≠" stands where the first loss is not within ${SAME} of Unfold's: tfjs has the other variant of the GRU.`,
  "",
  ...head(["", ...workloads.map(({ name }) => name)]),
  ...engines.map((engine) => line([engine.name, ...workloads.map(({ name }) => shown(name, engine))])),
  "",
  "How many times faster Unfold is, by the best number of threads of each:",
  "",
  ...head(["", ...workloads.map(({ name }) => name)]),
  ...[
    ["WebAssembly, than PyTorch", "Unfold, WebAssembly", "PyTorch"],
    ["OpenBLAS, than PyTorch", "Unfold, OpenBLAS", "PyTorch"],
    ["WebAssembly, than tfjs-wasm", "Unfold, WebAssembly", "tfjs-wasm"],
    ["WebAssembly, than tfjs-cpu", "Unfold, WebAssembly", "tfjs-cpu"],
  ].map(([title, ours, theirs]) => line([title!, ...workloads.map(({ name }) => ratio(name, ours!, theirs!))])),
  ...(problems.length === 0 ? [] : ["", "What did not run:", "", ...problems]),
  "",
].join("\n");
await writeFiles(here(".."), { "RESULTS.md": text });
console.log(text);
