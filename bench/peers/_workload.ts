/** What is trained: embedding where there is a vocabulary, recurrent layers, a dense layer, loss, Adam. */
export interface Workload {
  readonly name: string;
  readonly cell: "lstm" | "gru" | "rnn";
  readonly batch: number;
  readonly time: number;
  /** Tokens, where the input is some. */
  readonly vocabulary?: number;
  /** Features of the recurrent layer's input. */
  readonly input: number;
  readonly hidden: number;
  readonly layers: number;
  readonly output: number;
  /** Mean squared error of the last step, cross-entropy of the last step, or of each. */
  readonly loss: "mse" | "last" | "each";
}

/** The workload of a name. */
export async function loadWorkload(name: string): Promise<Workload> {
  const all = await loadWorkloads();
  return all.find((one) => one.name === name)!;
}

/** All of them. */
export async function loadWorkloads(): Promise<Workload[]> {
  return JSON.parse(await Deno.readTextFile(new URL("./workloads.json", import.meta.url)));
}

/** A whole number below 2²⁴ for each place: the same in every language. */
function scramble(place: number): number {
  return Math.imul(place, 1103515245) + 12345 >>> 8;
}

/** The weights and inputs of all peers: numbers from −0.1 to 0.1, by place from a start on. */
export function numbers(count: number, start: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => (scramble(start + i) % 1000 / 1000 - 0.5) / 5);
}

/** Tokens below a bound. */
export function tokens(count: number, bound: number, start: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: count }, (_, i) => scramble(start + i) % bound);
}

/** Where inputs and targets start; each parameter starts where the one before ended. */
export const [INPUTS, TARGETS] = [50_000_000, 60_000_000];

/** What is printed, as JSON, when the steps are done. */
export interface Report {
  /** The first step's. */
  readonly loss: number;
  /** The median step's. */
  readonly milliseconds: number;
  /** When the first step was done, in milliseconds since 1970. */
  readonly firstStep: number;
  /** The most memory that the process held, in bytes. */
  readonly peakMemory: number;
  /** Of the library, where the program does not name it. */
  readonly version?: string;
}

/** Runs steps for so many seconds, three at least after one that is not counted, and prints the {@linkcode Report}. */
export function report(step: () => number, seconds: number): void {
  const loss = step();
  const firstStep = Date.now();
  const times: number[] = [];
  const start = performance.now();
  while (times.length < 3 || performance.now() - start < 1000 * seconds) {
    const before = performance.now();
    step();
    times.push(performance.now() - before);
    // Where a step takes long one is enough.
    if (times.at(-1)! > 5000) break;
  }
  const milliseconds = times.sort((a, b) => a - b)[times.length >> 1];
  console.log(JSON.stringify({ loss, milliseconds, firstStep, peakMemory: peakMemory() }));
}

/** The most memory that this process has held, in bytes; what it holds now where the system does not tell. */
function peakMemory(): number {
  try {
    return 1024 * Number(/VmHWM:\s*(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
  } catch {
    return Deno.memoryUsage().rss;
  }
}
