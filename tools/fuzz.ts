/**
 * Feeds damaged and hostile input to every reader of the repository for some minutes.
 *
 *     deno task test fuzz 10 [reader…]
 *
 * A reader may accept an input or refuse it with an error of ours: one line that begins with "Cannot", no longer than 1,000
 * characters, without control characters. Anything else is a finding: it is printed, and its input is kept.
 *
 * Inputs that make a reader answer in a new way join the corpus in `runs/fuzz`, which later runs start from.
 *
 * @module
 */

import { Random } from "@unfold/core";
import { harmless, printable } from "@unfold/core/support";
import { READERS } from "./fuzz_readers.ts";

/** Where the corpus and the findings go. */
const FOLDER = "runs/fuzz";
/** The longest message that a person still reads. */
const LONGEST_MESSAGE = 1000;
/** Pieces that parsers treat specially. */
const PIECES = [
  ..."\0\t\n\r\"',;|{}[]:\\-+.%$€\ufeff\x1b",
  "\r\n",
  '""',
  "NaN",
  "Infinity",
  "-1",
  "1e999",
  "99999999999999999999",
  "null",
  "__proto__",
  "2023-02-30",
  "31/12/1999",
  "\x1b[2J",
  "\u202e",
  "\ud800",
  "[".repeat(500),
  "9".repeat(500),
].map((text) => new TextEncoder().encode(text));

/** One way of answering: accepted, or refused with a message from which names, values and numbers are taken out. */
function answerOf(error: unknown): string {
  if (error === undefined) return "accepted";
  const [problem] = String((error as Error).message).split(/, got\b/, 1);
  return problem!.replaceAll(/"(?:[^"\\]|\\.)*"?/g, "…").replaceAll(/[0-9a-f]{8,}|\d+/g, "0").slice(0, 120);
}

/** What is wrong with an answer; undefined if it is one of ours. */
function findingIn(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const { message, stack } = error;
  if (
    !/^Cannot \w/.test(message) || /^Cannot (read|set) propert|^Cannot (access|convert|mix|destructure)/.test(message)
  ) {
    return `an error that is not for users: ${message.slice(0, 300)}\n${stack}`;
  }
  if (message.length > LONGEST_MESSAGE) return `a message of ${message.length} characters: ${message.slice(0, 300)}`;
  if (printable(message, Infinity) !== message) {
    return `control characters in ${JSON.stringify(message.slice(0, 300))}`;
  }
  return undefined;
}

/** A changed copy of an input. */
function mutate(input: Uint8Array<ArrayBuffer>, other: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let bytes = [...input];
  for (let changes = 1 + random.integer(4); changes > 0; changes--) {
    const at = random.integer(bytes.length + 1);
    const length = 1 + random.integer(Math.min(64, bytes.length + 1));
    const kind = random.integer(7);
    if (kind === 0 && bytes.length > 0) bytes[at % bytes.length]! ^= 1 << random.integer(8);
    else if (kind === 1 && bytes.length > 0) bytes[at % bytes.length] = random.integer(256);
    else if (kind === 2) bytes.splice(at, length);
    else if (kind === 3) bytes.splice(at, 0, ...PIECES[random.integer(PIECES.length)]!);
    else if (kind === 4) bytes.splice(at, 0, ...bytes.slice(at, at + length));
    else if (kind === 5) bytes = bytes.slice(0, at);
    else {
      const from = random.integer(other.length + 1);
      bytes.splice(at, length, ...other.subarray(from, from + length));
    }
  }
  return Uint8Array.from(bytes);
}

/** The inputs of a reader, and the answers seen so far. */
class Corpus {
  readonly inputs: Uint8Array<ArrayBuffer>[] = [];
  readonly #answers = new Set<string>();
  readonly #folder: string;

  constructor(name: string) {
    this.#folder = `${FOLDER}/${name}`;
    Deno.mkdirSync(this.#folder, { recursive: true });
    for (const { name } of Deno.readDirSync(this.#folder)) {
      if (!name.startsWith("finding-")) this.inputs.push(Deno.readFileSync(`${this.#folder}/${name}`));
    }
  }

  get answers(): number {
    return this.#answers.size;
  }

  /** Keeps an input if its answer is new. */
  add(input: Uint8Array<ArrayBuffer>, answer: string): boolean {
    if (this.#answers.has(answer)) return false;
    this.#answers.add(answer);
    this.inputs.push(input);
    Deno.writeFileSync(`${this.#folder}/${String(this.inputs.length).padStart(4, "0")}`, input);
    return true;
  }

  /** Keeps an input that a reader did not handle. Returns its path. */
  keepFinding(input: Uint8Array<ArrayBuffer>, count: number): string {
    const path = `${this.#folder}/finding-${count}`;
    Deno.writeFileSync(path, input);
    return path;
  }
}

async function fuzz(minutes: number, names: readonly string[], seed: number): Promise<number> {
  const random = new Random(seed);
  const readers = Object.entries(READERS).filter(([name]) => names.length === 0 || names.includes(name));
  let findings = 0;
  // What readers say of an input.
  const said: string[] = [];
  console.error = (text: string) => said.push(text);
  for (const [name, make] of readers) {
    const { seeds, read, close } = await make();
    const corpus = new Corpus(name);
    const kept = corpus.inputs.splice(0);
    const known = new Set<string>();
    let tried = 0;
    const attempt = async (input: Uint8Array<ArrayBuffer>) => {
      tried++;
      const error = await Promise.try(read, input).then(() => undefined, (error: unknown) => error ?? "nothing");
      const unsafe = said.splice(0).find((text) => harmless(text) !== text);
      const finding = findingIn(error) ?? (unsafe && `control characters in what it says: ${JSON.stringify(unsafe)}`);
      const answer = answerOf(error);
      corpus.add(input, answer);
      const kind = `${finding?.slice(0, 20)} ${answer}`;
      if (finding === undefined || known.has(kind)) return;
      known.add(kind);
      findings++;
      console.log(`${name}: ${corpus.keepFinding(input, known.size)}: ${finding}`);
    };
    for (const input of [...seeds, ...kept]) await attempt(input);
    const end = performance.now() + 60_000 * minutes / readers.length;
    while (performance.now() < end) {
      const [input, other] = [0, 1].map(() => corpus.inputs[random.integer(corpus.inputs.length)]!);
      await attempt(mutate(input!, other!, random));
    }
    await close?.();
    console.log(`${name.padEnd(14)} ${tried} inputs, ${corpus.answers} different answers, ${known.size} findings`);
  }
  return findings;
}

if (import.meta.main) {
  const [minutes = "10", ...names] = Deno.args;
  const unknown = names.find((name) => !Object.hasOwn(READERS, name));
  if (!(Number(minutes) > 0) || unknown !== undefined) {
    const got = unknown === undefined ? `"${minutes}" minutes` : `a reader "${unknown}"`;
    console.error(`Cannot fuzz: expected minutes, then any of ${Object.keys(READERS).join(", ")}; got ${got}`);
    Deno.exit(2);
  }
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  console.log(`seed ${seed}`);
  Deno.exit(await fuzz(Number(minutes), names, seed) === 0 ? 0 : 1);
}
