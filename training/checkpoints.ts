import { decodeSafetensors, encodeSafetensors, Random, type Safetensors, type SafetensorsInput } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import { gatherStates, type Parallel, RankRandom, RankState } from "./parallel.ts";
import type { State, Stateful } from "./stateful.ts";

/** A checkpoint that cannot be written, read or used; the message says why. */
export class CheckpointError extends Error {
  /** `CheckpointError`. */
  override readonly name = "CheckpointError";
}

/** What stands where the checksum will, while it is computed. */
const BLANK = "0".repeat(64);
/** How the checksum stands in the file's header. */
const FIELD = '"sha256":"';

/** Where the checksum stands in a file's header, if it has one. */
function checksumAt(bytes: Uint8Array): number {
  if (bytes.length < 8) return -1;
  const header = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const text = new TextDecoder("latin1").decode(bytes.subarray(8, 8 + Number(header < 1e6 ? header : 1_000_000n)));
  const at = text.indexOf(FIELD);
  return at < 0 || at + FIELD.length + BLANK.length > text.length ? -1 : 8 + at + FIELD.length;
}

async function checksumOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A safetensors file whose metadata has a checksum of all of it, the checksum's own place left blank. */
export async function encodeChecked(
  tensors: Iterable<readonly [name: string, tensor: SafetensorsInput]>,
  metadata: Record<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = encodeSafetensors(tensors, { metadata: { sha256: BLANK, ...metadata } });
  bytes.set(new TextEncoder().encode(await checksumOf(bytes)), checksumAt(bytes));
  return bytes;
}

/**
 * Reads what {@linkcode encodeChecked} made.
 *
 * @throws {CheckpointError} If a bit of it is not as it was.
 */
async function decodeChecked(bytes: Uint8Array<ArrayBuffer>, file: string): Promise<Safetensors> {
  const at = checksumAt(bytes);
  if (at < 0) throw new CheckpointError(`Cannot read ${file}: it must be a checkpoint, and is none or was cut short`);
  const expected = new TextDecoder().decode(bytes.subarray(at, at + BLANK.length));
  const blank = bytes.slice();
  blank.set(new TextEncoder().encode(BLANK), at);
  const actual = await checksumOf(blank);
  if (actual !== expected) {
    throw new CheckpointError(
      `Cannot read ${file}: it was altered or cut short: its checksum must be ${actual}, got ${expected}`,
    );
  }
  return decodeSafetensors(bytes, { file });
}

const FORMAT = "unfold checkpoint 1";
/** What `train()` saves by itself. */
const OWN_PARTS = ["model", "carried", "optimizer", "batches"];
const NAME = /^checkpoint-\d+\.safetensors$/;
const UNFINISHED = /^\.checkpoint-\d+\.safetensors\.tmp$/;

/** Numbers and texts that describe a run: sizes, files, scalers; whatever JSON can hold. */
export type CheckpointConfig = Readonly<Record<string, unknown>>;

/** Options for {@linkcode Checkpoints}. */
export interface CheckpointsOptions {
  /** Where the files go; it is made if there is none. */
  folder: string;
  /**
   * How many of the last checkpoints are kept.
   *
   * @default {3}
   */
  keep?: number;
  /**
   * Steps of the optimizer from one to the next; there is one after each epoch as well.
   *
   * @default {after each epoch alone}
   */
  everySteps?: number;
  /**
   * What the run is, such as sizes and scalers: a checkpoint of another one is refused.
   *
   * @default {nothing}
   */
  config?: CheckpointConfig;
  /**
   * What else has a state, by name: every `Random` that numbers are drawn from in training (for dropout, say), and consumers of
   * events. Model, a state that it carries, optimizer and batches are saved without being named.
   *
   * @default {nothing}
   */
  parts?: Readonly<Record<string, Stateful | Random>>;
}

/**
 * Checkpoints of a run in a folder, one safetensors file each: weights, the optimizer's slots and counts, where the batches
 * stand, and configuration. A file is written under another name, brought to the disk and then renamed, so that there is
 * never half of one; a checksum tells whether a bit of it has changed since.
 *
 * `train()` writes and reads them.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { adam, Optimizer } from "@unfold/optimizers";
 * import { Checkpoints, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const batches = [{ x: tensor([[0], [1]]), y: tensor([[1], [2]]) }];
 * async function run(epochs: number, resume: boolean): Promise<number> {
 *   const model = new Dense({ inputSize: 1, outputSize: 1 });
 *   const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 0.1 });
 *   const checkpoints = new Checkpoints({ folder, config: { units: 1 } });
 *   for await (const _ of train({ model, optimizer, loss: meanSquaredError, batches, epochs, checkpoints, resume }));
 *   return optimizer.steps;
 * }
 * assert.equal(await run(2, false), 2);
 * assert.equal(await run(5, true), 5);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class Checkpoints {
  /** Where the files are. */
  readonly folder: string;
  /** Steps from one checkpoint to the next, besides those after each epoch. */
  readonly everySteps: number;
  readonly #keep: number;
  readonly #config: CheckpointConfig;
  readonly #parts: Readonly<Record<string, Stateful>>;
  #parallel: Parallel | undefined;

  /**
   * Says where checkpoints go and what is in them; reads and writes nothing.
   *
   * @throws {RangeError} If `keep` or `everySteps` is no integer of 1 or more, or a part has a name that cannot be told apart.
   */
  constructor(options: CheckpointsOptions) {
    const { folder, keep = 3, everySteps = Infinity, config = {}, parts = {} } = options;
    checkCounts("keep checkpoints", { keep, ...(everySteps !== Infinity && { everySteps }) });
    for (const name of Object.keys(parts)) {
      if (/^\w+$/.test(name) && !OWN_PARTS.includes(name)) continue;
      throw new RangeError(
        `Cannot keep checkpoints: parts must have names of letters other than ${OWN_PARTS.join(", ")}, got "${name}"`,
      );
    }
    this.folder = folder;
    this.everySteps = everySteps;
    this.#keep = keep;
    // As it will be read.
    this.#config = JSON.parse(JSON.stringify(config));
    this.#parts = Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, part instanceof Random ? new RankRandom(part) : part]),
    );
  }

  /** From here on saving and restoring are meetings of ranks, of which the first alone has the files. @internal */
  share(parallel: Parallel | undefined): void {
    this.#parallel = parallel;
  }

  /** The paths of the checkpoints that there are, the newest first. */
  async list(): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { name } of Deno.readDir(this.folder)) if (NAME.test(name)) names.push(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw failed(`read ${this.folder}`, error);
    }
    return names.sort().reverse().map((name) => `${this.folder}/${name}`);
  }

  /**
   * Writes a checkpoint and removes those that are too many.
   *
   * @param step The optimizer's steps, for the name.
   * @param parts What to save besides the parts that were named in the options.
   * @param progress What the training loop needs to know.
   * @returns The file's path.
   * @throws {CheckpointError} If it cannot be written; those before it are left as they are.
   */
  async save(step: number, parts: Readonly<Record<string, Stateful>>, progress: unknown): Promise<string> {
    const name = `checkpoint-${String(step).padStart(9, "0")}.safetensors`;
    const [path, unfinished] = [`${this.folder}/${name}`, `${this.folder}/.${name}.tmp`];
    const tensors = await this.#collect({ ...parts, ...this.#parts });
    if (this.#parallel !== undefined && this.#parallel.rank > 0) return path;
    const metadata = { format: FORMAT, config: JSON.stringify(this.#config), progress: JSON.stringify(progress) };
    const bytes = await encodeChecked(tensors, metadata);
    try {
      await Deno.mkdir(this.folder, { recursive: true });
      await this.#removeUnfinished();
      await writeToDisk(unfinished, bytes);
      await Deno.rename(unfinished, path);
      for (const old of (await this.list()).slice(this.#keep)) await Deno.remove(old);
    } catch (error) {
      await Deno.remove(unfinished).catch(() => {});
      throw failed(`write ${path}`, error);
    }
    return path;
  }

  /** The states of all parts, and of all ranks where each has its own. */
  async #collect(parts: Readonly<Record<string, Stateful>>): Promise<[name: string, entry: SafetensorsInput][]> {
    const entries: [string, SafetensorsInput][] = [];
    for (const [part, stateful] of Object.entries(parts)) {
      const own = stateful.state();
      const state = stateful instanceof RankState && this.#parallel ? await gatherStates(own, this.#parallel) : own;
      for (const [name, entry] of state) entries.push([`${part}.${name}`, entry]);
    }
    return entries;
  }

  /** Removes all checkpoints, and the folder if nothing else is in it: for when a run is over. */
  async clear(): Promise<void> {
    for (const path of await this.list()) await Deno.remove(path);
    await Deno.remove(this.folder).catch(() => {});
  }

  /** What a run that was killed has left half-written. */
  async #removeUnfinished(): Promise<void> {
    for await (const { name } of Deno.readDir(this.folder)) {
      if (UNFINISHED.test(name)) await Deno.remove(`${this.folder}/${name}`);
    }
  }

  /**
   * Goes on from a checkpoint. Those that were written after one that is named are of a run that is abandoned, and are put
   * aside as `abandoned-…`.
   *
   * @param parts What to restore besides the parts that were named in the options.
   * @param file A checkpoint's path.
   * @returns The file and the progress that was saved with it; undefined if no file was named and there is none.
   * @throws {CheckpointError} If it is cut short, altered, or of another run; the message says what differs, and which checkpoint
   * before it is whole.
   */
  async restore(
    parts: Readonly<Record<string, Stateful>>,
    file?: string,
  ): Promise<{ path: string; progress: unknown } | undefined> {
    const reads = this.#parallel === undefined || this.#parallel.rank === 0;
    const all = reads ? await this.list() : [];
    const path = await this.#ofFirst(() => encodeText(file ?? all[0] ?? "")).then(decodeText);
    if (path === "") return undefined;
    try {
      const { tensors, metadata } = await decodeCheckpoint(await this.#ofFirst(() => readBytes(path)), path);
      this.#checkConfig(JSON.parse(metadata.config!));
      const own = Object.entries({ ...parts, ...this.#parts });
      const states = own.map(([part]) => [part, new Map<string, SafetensorsInput>()] as const);
      const unknown: string[] = [];
      for (const [name, entry] of tensors) {
        const found = states.find(([part]) => name.startsWith(`${part}.`));
        if (found === undefined) unknown.push(name);
        else found[1].set(name.slice(found[0].length + 1), entry);
      }
      if (unknown.length > 0) throw new TypeError(`this run has nothing named ${unknown.join(", ")}`);
      own.forEach(([part, stateful], i) => loadPart(part, stateful, states[i]![1], this.#parallel));
      for (const newer of file === undefined ? [] : all.filter((other) => nameOf(other) > nameOf(file))) {
        await Deno.rename(newer, `${this.folder}/${nameOf(newer).replace("checkpoint", "abandoned")}`);
      }
      return { path, progress: JSON.parse(metadata.progress!) };
    } catch (error) {
      const problem = (error as Error).message.replace(/^Cannot read [^:]*: /, "");
      // One that does not fit is no reason to take another one of the same run.
      const damaged = error instanceof CheckpointError && file === undefined;
      const before = damaged ? await firstWhole(all.slice(1)) : undefined;
      throw new CheckpointError(
        `Cannot go on from ${path}: ${problem}${before === undefined ? "" : `; ${before}, before it, is whole`}`,
        { cause: error },
      );
    }
  }

  /** What the first rank has, on all. */
  async #ofFirst(
    bytes: () => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#parallel === undefined) return await bytes();
    const [first] = await this.#parallel.gather(this.#parallel.rank === 0 ? await bytes() : new Uint8Array());
    return first!;
  }

  #checkConfig(found: CheckpointConfig): void {
    const names = new Set([...Object.keys(found), ...Object.keys(this.#config)]);
    const differences = [...names].flatMap((name) => {
      const [theirs, ours] = [canonical(found[name]), canonical(this.#config[name])];
      return theirs === ours ? [] : [`its ${name} is ${theirs ?? "missing"}, this run's ${ours ?? "missing"}`];
    });
    if (differences.length > 0) throw new TypeError(`it is of another run: ${differences.join("; ")}`);
  }
}

async function writeToDisk(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  await file.sync();
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** JSON whose keys are in order. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

function loadPart(part: string, stateful: Stateful, state: State, parallel: Parallel | undefined): void {
  try {
    if (stateful instanceof RankState) stateful.loadShare(state, parallel);
    else stateful.load(state);
  } catch (error) {
    throw new TypeError(`${part}: ${(error as Error).message}`, { cause: error });
  }
}

function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function decodeText(bytes: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder().decode(bytes);
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw failed(`read ${path}`, error);
  }
}

/** Checks what was read from a file. */
async function decodeCheckpoint(bytes: Uint8Array<ArrayBuffer>, path: string) {
  const checkpoint = await decodeChecked(bytes, path);
  const { format } = checkpoint.metadata;
  if (format !== FORMAT) {
    throw new CheckpointError(`Cannot read ${path}: its format must be "${FORMAT}", got "${format}"`);
  }
  return checkpoint;
}

async function firstWhole(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const whole = await readBytes(path).then((bytes) => decodeCheckpoint(bytes, path)).then(() => true, () => false);
    if (whole) return path;
  }
  return undefined;
}

function failed(doing: string, error: unknown): CheckpointError {
  return new CheckpointError(`Cannot ${doing}: ${(error as Error).message}`, { cause: error });
}
