/**
 * The workloads that all peers run, and how a program answers `run.ts`. Imports only Node's modules, because the programs in
 * `apart/` run without the project's configuration, and some of them in Node.
 */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";

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
  return JSON.parse(await readFile(new URL("./workloads.json", import.meta.url), "utf8"));
}

/** Loads the workload of a name. */
export async function loadWorkload(name: string): Promise<Workload> {
  return (await loadWorkloads()).find((workload) => workload.name === name)!;
}

/** An integer below 2²⁴ for each place, the same in every language. */
function scramble(place: number): number {
  return Math.imul(place, 1103515245) + 12345 >>> 8;
}

/** Weights and inputs of all peers: values from −0.1 to 0.1 for consecutive places. */
export function numbers(count: number, start: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => (scramble(start + i) % 1000 / 1000 - 0.5) / 5);
}

/** Tokens of all peers for consecutive places. */
export function tokens(count: number, vocabulary: number, start: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: count }, (_, i) => scramble(start + i) % vocabulary);
}

/** First places of inputs and targets. Parameters start at 0 and follow one another. */
export const [INPUTS, TARGETS] = [50_000_000, 60_000_000];

/** The model of the inference rows: an embedding, an LSTM and a dense layer over characters, and the batch of whole sequences. */
export const CHARACTERS = { vocabulary: 65, input: 64, batch: 64, time: 64 } as const;

/** The shapes of that model's parameters in their order in its file of 32-bit floats, such as `64.f32`. */
export function characterShapes(hidden: number): readonly (readonly number[])[] {
  const { vocabulary, input } = CHARACTERS;
  return [[vocabulary, input], [input, 4 * hidden], [hidden, 4 * hidden], [4 * hidden], [hidden, vocabulary], [
    vocabulary,
  ]];
}

/** Splits that file into its parameters. */
export function characterWeights(file: Uint8Array<ArrayBuffer>, hidden: number): Float32Array<ArrayBuffer>[] {
  let place = 0;
  return characterShapes(hidden).map((shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    place += 4 * size;
    return new Float32Array(file.buffer.slice(place - 4 * size, place));
  });
}

/** The mean magnitude of logits, by which engines are compared. */
export function magnitude(logits: Float32Array): number {
  return logits.reduce((sum, value) => sum + Math.abs(value), 0) / logits.length;
}

/** The first line that a program prints, as JSON: after its first step. */
export interface First {
  /** Loss of the first step; for inference, the {@linkcode magnitude} of its logits. */
  readonly loss: number;
  /** When it ended, in milliseconds since 1970. */
  readonly firstStep: number;
  /** Name and version of the library, unless the program pins it. */
  readonly version?: string;
}

/** The line that a program prints after each turn. */
export interface Turn {
  /** Median time of a step. */
  readonly milliseconds: number;
}

/**
 * Runs the first step and prints the {@linkcode First}. Then, for each number of seconds that arrives on stdin, repeats steps for
 * that time, at least one, and prints the {@linkcode Turn}.
 */
export async function serve(step: () => number | Promise<number>): Promise<void> {
  const loss = await step();
  console.log(JSON.stringify({ loss, firstStep: Date.now() }));
  for await (const line of createInterface({ input: process.stdin })) {
    const times: number[] = [];
    const start = performance.now();
    do {
      const before = performance.now();
      const result = step();
      if (typeof result !== "number") await result;
      times.push(performance.now() - before);
    } while (performance.now() - start < 1000 * Number(line));
    console.log(JSON.stringify({ milliseconds: times.sort((a, b) => a - b)[times.length >> 1] }));
  }
  process.exit();
}
