/**
 * Times whole training steps (forward, backward, Adam) of Unfold and its peers on the workloads in workloads.json. Runs
 * alternate, each in a new process. Writes bench/RESULTS.md, which also says why a peer could not run a workload.
 *
 *     deno task bench peers
 *
 * @module
 */

import { writeFiles } from "../../apps/shared/files.ts";
import { median, outputOf, threeDigits } from "../_measure.ts";
import { type Engine, engines, install, type Outcome, run } from "./_engines.ts";
import { loadWorkloads } from "./_workload.ts";

const ROUNDS = 3;
/** First losses that differ by at most this, relatively, count as equal. */
const SAME = 1e-4;
/** Engines with longer steps, in milliseconds, run once. */
const LONG = 2000;
/** The workload of the table of start-up time and memory. */
const SHOWN = "stock";

type Success = Exclude<Outcome, { readonly problem: string }>;

/** The runs of an engine on a workload. */
interface Cell {
  readonly runs: Success[];
  problem?: string;
}

const workloads = await loadWorkloads();
const names = workloads.map(({ name }) => name);
const cells = new Map(
  names.flatMap((name) => engines.map((engine) => [`${name}/${engine.name}`, { runs: [] } as Cell])),
);
const cellOf = (workload: string, engine: Engine) => cells.get(`${workload}/${engine.name}`)!;
const stepOf = (workload: string, engine: Engine) =>
  median(cellOf(workload, engine).runs.map(({ milliseconds }) => milliseconds));

install();
for (const workload of names) {
  for (let round = 1; round <= ROUNDS; round++) {
    for (const engine of engines) {
      const cell = cellOf(workload, engine);
      if (cell.problem !== undefined || (round > 1 && stepOf(workload, engine) > LONG)) continue;
      const outcome = await run(engine, workload);
      if ("problem" in outcome) cell.problem = outcome.problem;
      else cell.runs.push(outcome);
    }
    console.error(`${workload}: round ${round}/${ROUNDS}`);
  }
}

const [reference] = engines as [Engine];

/** Median and range. */
function spread(values: readonly number[]): string {
  const range = values.length < 2 ? "" : ` (${threeDigits(Math.min(...values))}–${threeDigits(Math.max(...values))})`;
  return threeDigits(median(values)) + range;
}

function shown(workload: string, engine: Engine): string {
  const { runs, problem } = cellOf(workload, engine);
  if (problem !== undefined) return "—";
  const isSame = Math.abs(runs[0]!.loss / cellOf(workload, reference).runs[0]!.loss - 1) <= SAME;
  return spread(runs.map(({ milliseconds }) => milliseconds)) + (isSame ? "" : " ≠");
}

/** Milliseconds of a family's fastest engine on a workload; NaN if none ran. */
function bestOf(workload: string, family: string): number {
  const members = engines.filter((engine) =>
    engine.family === family && cellOf(workload, engine).problem === undefined
  );
  return members.length === 0 ? NaN : Math.min(...members.map((engine) => stepOf(workload, engine)));
}

function ratio(workload: string, ours: string, theirs: string): string {
  const value = bestOf(workload, theirs) / bestOf(workload, ours);
  return Number.isNaN(value) ? "—" : `${value >= 99.5 ? threeDigits(value) : value.toPrecision(2)}×`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Name of the processor. */
function processorName(): string {
  try {
    const { stdout } = new Deno.Command("lscpu", { env: { LC_ALL: "C" } }).outputSync();
    return /Model name:\s*(.*)/.exec(new TextDecoder().decode(stdout))?.[1] ?? Deno.build.arch;
  } catch {
    return Deno.build.arch;
  }
}

const pytorch = [...cells.values()].flatMap(({ runs }) => runs).find(({ version }) => version !== undefined);
const versions = [`Deno ${Deno.version.deno}`, ...(pytorch === undefined ? [] : [`PyTorch ${pytorch.version}`])];
const families = [...new Set(engines.map(({ family }) => family))];
const [ours, peers] = [families.slice(0, 2), families.slice(2)];
// Two tables, because one would be too wide.
const steps = [names.slice(0, 3), names.slice(3)].map((group) =>
  table(["", ...group], engines.map((engine) => [engine.name, ...group.map((name) => shown(name, engine))]))
).join("\n\n");
const ratios = ours.flatMap((own) =>
  peers.map((peer) => [`${own} against ${peer}`, ...names.map((name) => ratio(name, own, peer))])
);
const started = engines.flatMap((engine) => {
  const { runs, problem } = cellOf(SHOWN, engine);
  if (problem !== undefined) return [];
  const megabytes = Math.max(...runs.map(({ peakMemory }) => peakMemory)) / 2 ** 20;
  return [[engine.name, spread(runs.map(({ startup }) => startup)), megabytes.toFixed(0)]];
});
const problems = names.flatMap((workload) =>
  engines.flatMap((engine) => {
    const { problem } = cellOf(workload, engine);
    return problem === undefined ? [] : [`- ${engine.name}, ${workload}: ${problem}`];
  })
);

const tolerance = `${100 * SAME} %`;
const date = new Date().toISOString().slice(0, 10);
const text = `# Whole training steps against the peers

Milliseconds per step (forward, backward, Adam): median (range) of ${ROUNDS} interleaved runs. ${processorName()},
${navigator.hardwareConcurrency} cores, ${versions.join(", ")}, ${date}. Written by \`deno task bench peers\`.
\`bench/peers/workloads.json\` has the sizes; the programs in \`bench/peers/apart/\` pin the versions of their libraries. All engines
start from the same weights and inputs. "≠" marks a first loss that differs from Unfold's by more than ${tolerance}: tfjs
implements the other GRU variant; brain.js has a different loss and different initial weights.

${steps}

How many times faster Unfold is, each library at its best number of threads (below 1×: slower):

${table(["", ...names], ratios)}

Time from process start to the end of the first step of \`${SHOWN}\`, and the peak memory of the process:

${table(["", "ms", "MiB"], started)}
${problems.length === 0 ? "" : `\nNot run:\n\n${problems.join("\n")}\n`}`;
const folder = new URL("..", import.meta.url).pathname;
await writeFiles(folder, { "RESULTS.md": text });
outputOf(Deno.execPath(), ["fmt", "--quiet", `${folder}RESULTS.md`]);
console.log(text);
