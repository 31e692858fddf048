/**
 * The workloads of workloads.json by Unfold and its peers, each run in a process of its own and in turns: whole training steps
 * (forward, backward, Adam). Writes bench/RESULTS.md. A peer that is not there, or cannot run a workload, says why.
 *
 *     deno task bench:peers
 *
 * @module
 */

import { formatNumber } from "../../apps/shared/format.ts";
import { writeFiles } from "../../apps/shared/files.ts";
import { median } from "../_measure.ts";
import { type Engine, engines, type Outcome, run } from "./_engines.ts";
import { loadWorkloads } from "./_workload.ts";

const ROUNDS = 3;
/** How far the first losses may lie apart, relatively: the arithmetic is the same. */
const SAME = 1e-4;
/** What takes longer, in milliseconds a step, is run once. */
const LONG = 2000;
/** The workload whose start and memory are shown. */
const SHOWN = "stock";

type Success = Exclude<Outcome, { readonly problem: string }>;

/** What was measured of an engine on a workload. */
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
const digits = (value: number) => formatNumber(Number(value.toPrecision(3)));

/** The middle of what was measured, and its range. */
function spread(values: readonly number[]): string {
  const range = values.length < 2 ? "" : ` (${digits(Math.min(...values))}–${digits(Math.max(...values))})`;
  return digits(median(values)) + range;
}

function shown(workload: string, engine: Engine): string {
  const { runs, problem } = cellOf(workload, engine);
  if (problem !== undefined) return "—";
  const isSame = Math.abs(runs[0]!.loss / cellOf(workload, reference).runs[0]!.loss - 1) <= SAME;
  return spread(runs.map(({ milliseconds }) => milliseconds)) + (isSame ? "" : " ≠");
}

/** The fastest of a family on a workload: NaN where none ran. */
function bestOf(workload: string, family: string): number {
  const members = engines.filter((engine) =>
    engine.family === family && cellOf(workload, engine).problem === undefined
  );
  return members.length === 0 ? NaN : Math.min(...members.map((engine) => stepOf(workload, engine)));
}

function ratio(workload: string, ours: string, theirs: string): string {
  const value = bestOf(workload, theirs) / bestOf(workload, ours);
  return Number.isNaN(value) ? "—" : `${value >= 99.5 ? digits(value) : value.toPrecision(2)}×`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** What the machine calls its processor. */
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

const text = `# Whole training steps beside the peers

Milliseconds of a step (forward, backward, Adam), median (least–most) of ${ROUNDS} runs in turns. ${processorName()},
${navigator.hardwareConcurrency} cores, ${versions.join(", ")}, ${new Date().toISOString().slice(0, 10)}. Written by
\`deno task bench:peers\`; \`bench/peers/workloads.json\` has the sizes, the programs in \`apart/\` name the versions of their libraries. All start
from equal weights and inputs; "≠" stands where the first loss is not within ${SAME} of Unfold's: tfjs has the other variant of
the GRU, brain.js another loss and weights of its own.

${table(["", ...names], engines.map((engine) => [engine.name, ...names.map((name) => shown(name, engine))]))}

How many times faster Unfold is, by the best number of threads of each:

${
  table(
    ["", ...names],
    ours.flatMap((own) =>
      peers.map((peer) => [`${own}, than ${peer}`, ...names.map((name) => ratio(name, own, peer))])
    ),
  )
}

From the start of the process to the end of the first step of \`${SHOWN}\`, and the most memory that the process held:

${table(["", "ms", "MiB"], started)}
${problems.length === 0 ? "" : `\nWhat did not run:\n\n${problems.join("\n")}\n`}`;
await writeFiles(new URL("..", import.meta.url).pathname, { "RESULTS.md": text });
console.log(text);
