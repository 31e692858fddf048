/**
 * Times Unfold and its peers on the workloads of workloads.json (training steps: forward, backward, Adam) and on a trained character
 * model (inference). The engines of a case are started once and take turns for several rounds. Writes bench/RESULTS.md, which also
 * gives the reason why a peer could not run a case, and how busy the machine was.
 *
 *     deno task bench peers
 *     deno task bench peers --rounds 2 --only stock
 *
 * @module
 */

import { parseArgs } from "node:util";
import { writeFiles } from "../../apps/shared/files.ts";
import { median, outputOf, threeDigits } from "../_measure.ts";
import {
  type Case,
  cleanUp,
  type Engine,
  engines,
  machineCpu,
  prepare,
  type Problem,
  type Running,
  start,
} from "./_engines.ts";
import { loadWorkloads } from "./_workload.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "0.5" },
    only: { type: "string" },
  },
});
const [ROUNDS, SECONDS] = [Number(options.rounds), Number(options.seconds)];
/** Largest relative difference of first losses that count as equal. */
const SAME = 1e-4;
/** Engines with longer steps, in milliseconds, take two turns only. One turn alone could meet a stall of the machine. */
const LONG = 2000;
/** Seconds that a case may take; after that, no further round starts, but every case has at least three. */
const ENOUGH = 60;
/** A machine is quiet if other processes use at most this share of it. */
const QUIET = 0.05;
/** The case of the table of start-up time and memory. */
const SHOWN = "stock";

/** What an engine did on a case. */
interface Cell {
  readonly times: number[];
  loss?: number;
  startup?: number;
  memory?: number | undefined;
  problem?: string;
}

const CASES: readonly Case[] = [
  ...(await loadWorkloads()).map(({ name }): Case => ({ task: "train", name })),
  ...(["stream", "batch"] as const).flatMap((task) =>
    [64, 128, 512].map((hidden): Case => ({ task, hidden, name: `${task}, ${hidden}` }))
  ),
];
const cases = CASES.filter(({ name, task }) =>
  options.only === undefined || name === options.only || (options.only === "inference" && task !== "train")
);
if (cases.length === 0) {
  const names = CASES.map(({ name }) => `"${name}"`).join(", ");
  console.error(`error: Cannot run: --only must be one of ${names}, "inference", got ${options.only}`);
  Deno.exit(2);
}

const cells = new Map<string, Cell>();
const cellOf = ({ name }: Case, engine: Engine) => cells.get(`${name}/${engine.name}`);
const versions = new Set([`Deno ${Deno.version.deno}`]);
const cores = navigator.hardwareConcurrency;

/** Shares of the machine that other processes used: before the run, and during each turn. */
const [before, during] = [await idleShare(), [] as number[]];
if (before > QUIET) console.error(`The machine is not quiet: other processes use ${percent(before)} of it`);
const began = performance.now();

try {
  await prepare();
  for (const of of cases) await runCase(of);
} finally {
  await cleanUp();
}

/** The share of the machine in use while this program waits. */
async function idleShare(): Promise<number> {
  const [used, start] = [machineCpu(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return 1000 * (machineCpu() - used) / (performance.now() - start) / cores;
}

async function runCase(of: Case): Promise<void> {
  const caseBegan = performance.now();
  const running: { readonly cell: Cell; readonly process: Running }[] = [];
  for (const engine of engines) {
    const command = engine.command(of);
    if (command === undefined) continue;
    const cell: Cell = { times: [] };
    cells.set(`${of.name}/${engine.name}`, cell);
    const process: Running | Problem = typeof command === "string" ? { problem: command } : await start(command);
    if ("problem" in process) cell.problem = process.problem;
    else {
      cell.loss = process.first.loss;
      cell.startup = process.startup;
      if (process.first.version !== undefined) versions.add(process.first.version);
      running.push({ cell, process });
    }
  }
  for (let round = 1; round <= ROUNDS; round++) {
    if (round > 3 && performance.now() - caseBegan > 1000 * ENOUGH) break;
    for (const { cell, process } of running) {
      if (cell.problem !== undefined || (round > 2 && Math.min(...cell.times) > LONG)) continue;
      const [used, start] = [machineCpu(), performance.now()];
      const turn = await process.turn(SECONDS);
      if ("problem" in turn) {
        cell.problem = turn.problem;
        continue;
      }
      const others = 1000 * (machineCpu() - used - turn.cpu) / (performance.now() - start) / cores;
      if (!Number.isNaN(others)) during.push(Math.min(1, Math.max(0, others)));
      cell.times.push(turn.milliseconds);
      cell.memory = process.peakMemory();
    }
  }
  for (const { process } of running) await process.stop();
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.error(`${of.name}: done after ${minutes} min, ${load()}`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** The share of the machine that others used during the turns so far. */
function load(): string {
  if (during.length === 0) return "the load is not known";
  const high = during.toSorted((a, b) => a - b)[Math.floor(0.95 * during.length)]!;
  return `other processes used ${percent(median(during))} of the machine (${percent(high)} in the busiest turns)`;
}

const [reference] = engines as [Engine];

/** Median and range. */
function spread(values: readonly number[]): string {
  const range = values.length < 2 ? "" : ` (${threeDigits(Math.min(...values))}–${threeDigits(Math.max(...values))})`;
  return threeDigits(median(values)) + range;
}

/** Milliseconds of a case; microseconds of a streaming step. */
function shown(of: Case, engine: Engine): string {
  const cell = cellOf(of, engine);
  if (cell === undefined) return "";
  if (cell.problem !== undefined || cell.loss === undefined) return "—";
  const expected = cellOf(of, reference)!.loss!;
  const scale = of.task === "stream" ? 1000 : 1;
  const isSame = Math.abs(cell.loss / expected - 1) <= SAME;
  return spread(cell.times.map((time) => scale * time)) + (isSame ? "" : " ≠");
}

/** A family's fastest engine on a case, and its milliseconds. */
function bestOf(
  of: Case,
  matches: (engine: Engine) => boolean,
): { readonly engine: Engine; readonly time: number } | undefined {
  return engines.filter(matches)
    .flatMap((engine) => {
      const cell = cellOf(of, engine);
      return cell === undefined || cell.problem !== undefined ? [] : [{ engine, time: median(cell.times) }];
    })
    .sort((a, b) => a.time - b.time)[0];
}

/** How many times as fast one family is as another, and the threads of both. */
function ratio(of: Case, ours: string, theirs: (engine: Engine) => boolean): string {
  const [own, peer] = [bestOf(of, ({ family }) => family === ours), bestOf(of, theirs)];
  if (own === undefined || peer === undefined) return "—";
  const value = peer.time / own.time;
  const digits = value >= 99.5 ? threeDigits(value) : value.toPrecision(2);
  return `${digits}× (${own.engine.threads}:${peer.engine.threads})`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const OURS = ["WebAssembly", "OpenBLAS"];

/** The times and the ratios of some cases. */
function tables(some: readonly Case[], titles: readonly string[]): string {
  const used = engines.filter((engine) => some.some((of) => cellOf(of, engine) !== undefined));
  const peers = [...new Set(used.map(({ family }) => family))].filter((family) => !OURS.includes(family));
  const isPeer = ({ family }: Engine) => peers.includes(family);
  const against = [
    { name: "the fastest peer", matches: isPeer },
    ...peers.map((name) => ({ name, matches: ({ family }: Engine) => family === name })),
  ];
  const ratios = OURS.flatMap((own) =>
    against.map(({ name, matches }) => [`${own} against ${name}`, ...some.map((of) => ratio(of, own, matches))])
  );
  return `${table(["", ...titles], used.map((engine) => [engine.name, ...some.map((of) => shown(of, engine))]))}

How many times as fast Unfold is, and in parentheses the threads of Unfold and of the peer. Each has its fastest variant.

${table(["", ...titles], ratios)}`;
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

/** The reasons why peers did not run, each with its cases. */
function problems(): string {
  const found = new Map<string, string[]>();
  for (const engine of engines) {
    for (const of of cases) {
      const problem = cellOf(of, engine)?.problem;
      if (problem === undefined) continue;
      const key = `${engine.name}: ${problem}`;
      found.set(key, [...found.get(key) ?? [], of.name]);
    }
  }
  const isWhole = (names: readonly string[]) => names.length === cases.length;
  const lines = [...found].map(([key, names]) => isWhole(names) ? `- ${key}` : `- ${key} (${names.join("; ")})`);
  return lines.length === 0 ? "" : `## Not run\n\n${lines.join("\n")}\n`;
}

const trained = cases.filter(({ task }) => task === "train");
const inferred = cases.filter(({ task }) => task !== "train");
const started = cases.filter(({ name }) => name === SHOWN).flatMap((of) =>
  engines.flatMap((engine) => {
    const { startup, memory, problem } = cellOf(of, engine) ?? {};
    if (startup === undefined || problem !== undefined) return [];
    return [[engine.name, threeDigits(startup), memory === undefined ? "—" : (memory / 2 ** 20).toFixed(0)]];
  })
);
const date = new Date().toISOString().slice(0, 10);
const machine = `${processorName()}, ${cores} cores, ${[...versions].join(", ")}`;
const busy = before > QUIET || (during.length > 0 && median(during) > QUIET);
const tolerance = `${100 * SAME} %`;
const earlier = percent(before);
const quiet = busy ? "**The machine was not quiet.** Before" : "Before";
const sections = [
  `# Unfold and its peers

${machine}, ${date}. Written by \`deno task bench peers\`. Each cell is the median (range) of up to
${ROUNDS} rounds in which the engines take turns of ${SECONDS} s. ${quiet} the run, other processes used ${earlier} of the machine; during it, ${load()}.`,
  trained.length === 0 ? "" : `## Training

Milliseconds per step (forward, backward, Adam). \`bench/peers/workloads.json\` has the sizes. All engines start from the same
weights and inputs. "≠" marks a first loss that differs from Unfold's by more than ${tolerance}: tfjs has the other variant of
the GRU; brain.js has its own loss and initial weights.

${tables(trained, trained.map(({ name }) => name))}`,
  started.length === 0
    ? ""
    : `From the start of the process to the end of the first step of \`${SHOWN}\`, and peak memory of the process:

${table(["", "ms", "MiB"], started)}`,
  inferred.length === 0 ? "" : `## Inference

A trained character model (embedding 65 → 64, an LSTM, dense 65), by hidden size; ONNX Runtime runs the file that \`toOnnx\` writes.
"stream" is one character of one text, with a carried state, in microseconds. "batch" is 64 texts of 64 characters, in
milliseconds. The logits are equal to ${tolerance}, unless marked.

${tables(inferred, inferred.map((of) => `${of.name}, ${of.task === "stream" ? "µs" : "ms"}`))}`,
];
if (options.only === undefined) {
  sections.push(
    outputOf(Deno.execPath(), ["run", "--no-prompt", "--allow-read=bench", "--allow-ffi", "bench/breakdown.ts"]),
  );
}
sections.push(problems());
const text = sections.filter((section) => section !== "").join("\n\n");
console.log(text);
if (options.only === undefined) {
  const folder = new URL("..", import.meta.url).pathname;
  await writeFiles(folder, { "RESULTS.md": text });
  outputOf(Deno.execPath(), ["fmt", "--quiet", `${folder}RESULTS.md`]);
}
