/**
 * The workloads that all peers train, and what a program reports. Imports nothing, because the programs in `apart/` run without the
 * project's configuration.
 */

/** One workload: an optional embedding, recurrent layers, a dense layer, a loss, and Adam. */
export interface Workload {
  readonly name: string;
  readonly cell: "lstm" | "gru" | "rnn";
  readonly batch: number;
  readonly time: number;
  /** Number of tokens, if the inputs are tokens. */
  readonly vocabulary?: number;
  /** Features of the recurrent layer's input. */
  readonly input: number;
  readonly hidden: number;
  readonly layers: number;
  readonly output: number;
  /** Mean squared error of the last step, cross-entropy of the last step, or cross-entropy of each step. */
  readonly loss: "mse" | "last" | "each";
}

/** Loads all workloads. */
export async function loadWorkloads(): Promise<Workload[]> {
  return JSON.parse(await Deno.readTextFile(new URL("./workloads.json", import.meta.url)));
}

/** Loads a workload by name. */
export async function loadWorkload(name: string): Promise<Workload> {
  return (await loadWorkloads()).find((workload) => workload.name === name)!;
}

/** An integer below 2²⁴ for each place, the same in every language. */
function scramble(place: number): number {
  return Math.imul(place, 1103515245) + 12345 >>> 8;
}

/** The weights and inputs of all peers: values from −0.1 to 0.1, for consecutive places. */
export function numbers(count: number, start: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => (scramble(start + i) % 1000 / 1000 - 0.5) / 5);
}

/** The tokens of all peers, for consecutive places. */
export function tokens(count: number, vocabulary: number, start: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: count }, (_, i) => scramble(start + i) % vocabulary);
}

/** First places of inputs and targets. Parameters start at 0 and follow one another. */
export const [INPUTS, TARGETS] = [50_000_000, 60_000_000];

/** What a program prints as JSON when it is done. */
export interface Report {
  /** Loss of the first step. */
  readonly loss: number;
  /** Median time of a step. */
  readonly milliseconds: number;
  /** When the first step ended, in milliseconds since 1970. */
  readonly firstStep: number;
  /** Peak memory of the process in bytes. */
  readonly peakMemory: number;
  /** Version of the library, unless the program pins it. */
  readonly version?: string;
}

/**
 * Runs one untimed step, then steps for a number of seconds (at least three steps), and prints the {@linkcode Report}.
 */
export function report(step: () => number, seconds: number): void {
  const loss = step();
  const firstStep = Date.now();
  const times: number[] = [];
  const start = performance.now();
  while (times.length < 3 || performance.now() - start < 1000 * seconds) {
    const before = performance.now();
    step();
    times.push(performance.now() - before);
    // One step is enough if it takes long.
    if (times.at(-1)! > 5000) break;
  }
  const milliseconds = times.sort((a, b) => a - b)[times.length >> 1];
  console.log(JSON.stringify({ loss, milliseconds, firstStep, peakMemory: peakMemory() }));
}

/** Peak memory of this process in bytes; current memory if the system does not report the peak. */
function peakMemory(): number {
  try {
    return 1024 * Number(/VmHWM:\s*(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
  } catch {
    return Deno.memoryUsage().rss;
  }
}
