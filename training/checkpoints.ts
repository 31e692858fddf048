import { decodeSafetensors, encodeSafetensors, Random, type Safetensors, type SafetensorsInput } from "@unfold/core";
import { checkCounts, joined, listed, printable, quoted } from "@unfold/core/support";
import { codeOf, type NodeModules, nodeModules } from "./_node.ts";
import { lockFolder, syncFolder } from "./lock_folder.ts";
import { gatherStates, type Parallel, RankRandom, RankState } from "./parallel.ts";
import type { State, Stateful } from "./stateful.ts";

/** A checkpoint cannot be written, read or used. The message says why. */
export class CheckpointError extends Error {
  /** `CheckpointError`. */
  override readonly name = "CheckpointError";
}

/** Values that describe a run, such as sizes, files and scalers: any JSON. */
export type CheckpointConfig = Readonly<Record<string, unknown>>;

/** Options for {@linkcode Checkpoints}. */
export interface CheckpointsOptions {
  /** The folder for the files; created if missing. */
  folder: string;
  /**
   * The number of checkpoints to keep, the newest ones.
   *
   * @default {3}
   */
  keep?: number;
  /**
   * Optimizer steps between checkpoints, in addition to the one after each epoch.
   *
   * @default {after each epoch only}
   */
  everySteps?: number;
  /**
   * What identifies the run, such as sizes and scalers. A checkpoint with another configuration is refused.
   *
   * @default {nothing}
   */
  config?: CheckpointConfig;
  /**
   * What else to save, by name: every `Random` that training draws from (for dropout, say), and consumers of events. Model,
   * carried state, optimizer and batches are always saved.
   *
   * @default {nothing}
   */
  parts?: Readonly<Record<string, Stateful | Random>>;
}

/** What `train()` saves without being asked. */
const OWN_PARTS = ["model", "carried", "optimizer", "batches"];
const NAME = /^checkpoint-\d+\.safetensors$/;
const UNFINISHED = /^\.checkpoint-\d+\.safetensors\.tmp$/;

/**
 * A run's checkpoints in a folder, one safetensors file each: the weights, the optimizer's slots and counts, the position in
 * the batches, and the configuration. The metadata also have the model's architecture if all its layers have an `architecture()`
 * method, so that `loadModel` of `@unfold/layers` opens a checkpoint as a model. A file is written under a temporary name, synced to disk and then renamed, so that it is
 * never half-written. A checksum detects any later change.
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
  /** The folder of the files. */
  readonly folder: string;
  /** Optimizer steps between checkpoints, in addition to the one after each epoch. */
  readonly everySteps: number;
  readonly #keep: number;
  readonly #config: CheckpointConfig;
  readonly #parts: Readonly<Record<string, Stateful>>;
  #parallel: Parallel | undefined;
  #architecture: () => unknown = () => undefined;

  /**
   * Sets where checkpoints go and what they hold. Reads and writes nothing yet.
   *
   * @throws {RangeError} If `keep` or `everySteps` is not a positive integer, or the name of a part is invalid or taken.
   */
  constructor(options: CheckpointsOptions) {
    const { folder, keep = 3, everySteps = Infinity, config = {}, parts = {} } = options;
    checkCounts("keep checkpoints", { keep, ...(everySteps !== Infinity && { everySteps }) });
    for (const name of Object.keys(parts)) {
      if (/^\w+$/.test(name) && !OWN_PARTS.includes(name)) continue;
      throw new RangeError(
        `Cannot keep checkpoints: names of parts must be letters, digits or _, and not ${OWN_PARTS.join(", ")}, ` +
          `got "${name}"`,
      );
    }
    this.folder = folder;
    this.everySteps = everySteps;
    this.#keep = keep;
    // In the form in which it will be read back.
    this.#config = JSON.parse(JSON.stringify(config));
    this.#parts = Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, part instanceof Random ? new RankRandom(part) : part]),
    );
  }

  /** Makes saving and restoring collective: all ranks call them, and rank 0 alone touches the files. @internal */
  share(parallel: Parallel | undefined): void {
    this.#parallel = parallel;
  }

  /** Sets what describes the model, so that a checkpoint can be opened without building it first. @internal */
  describe(architecture: () => unknown): void {
    this.#architecture = architecture;
  }

  /**
   * Reserves the folder for one run, until the result is disposed of. Ranks other than 0 reserve nothing.
   *
   * @throws {CheckpointError} If another run uses the folder.
   * @internal
   */
  async lock(): Promise<Disposable> {
    if (this.#parallel !== undefined && this.#parallel.rank > 0) return { [Symbol.dispose]() {} };
    const isNew = !nodeModules(`write to ${this.folder}`).fs.existsSync(this.folder);
    try {
      const lock = await lockFolder(this.folder);
      return {
        [Symbol.dispose]: () => {
          lock[Symbol.dispose]();
          if (isNew) removeIfEmpty(this.folder);
        },
      };
    } catch (error) {
      throw new CheckpointError(printable((error as Error).message, Infinity), { cause: error });
    }
  }

  /** The paths of the checkpoints, newest first. */
  async list(): Promise<string[]> {
    let names: string[] = [];
    try {
      names = await filesOf(this.folder).readdir(this.folder);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw failed(`read ${this.folder}`, error);
    }
    return names.filter((name) => NAME.test(name)).sort().reverse().map((name) => `${this.folder}/${name}`);
  }

  /**
   * Writes a checkpoint and removes the oldest ones beyond `keep`.
   *
   * @param step The optimizer's step count, for the file name.
   * @param parts What to save besides the parts named in the options.
   * @param progress The training loop's own state.
   * @returns The file's path.
   * @throws {CheckpointError} If it cannot be written. Earlier checkpoints are not touched.
   */
  async save(step: number, parts: Readonly<Record<string, Stateful>>, progress: unknown): Promise<string> {
    const name = `checkpoint-${String(step).padStart(9, "0")}.safetensors`;
    const [path, unfinished] = [`${this.folder}/${name}`, `${this.folder}/.${name}.tmp`];
    const tensors = await this.#collect({ ...parts, ...this.#parts });
    if (this.#parallel !== undefined && this.#parallel.rank > 0) return path;
    const architecture = this.#describeModel();
    const metadata = {
      format: FORMAT,
      config: JSON.stringify(this.#config),
      progress: JSON.stringify(progress),
      ...(architecture !== undefined && { architecture }),
    };
    const bytes = await encodeChecked(tensors, metadata);
    const files = filesOf(this.folder);
    try {
      await files.mkdir(this.folder, { recursive: true });
      await this.#removeUnfinished();
      await writeToDisk(unfinished, bytes);
      await files.rename(unfinished, path);
      // The new one must be on disk before the old ones go.
      await syncFolder(this.folder);
      for (const old of (await this.list()).slice(this.#keep)) await files.unlink(old);
    } catch (error) {
      await files.unlink(unfinished).catch(() => {});
      throw failed(`write ${path}`, error);
    }
    return path;
  }

  /** The model's architecture as JSON, or undefined if it has a layer that cannot be described. */
  #describeModel(): string | undefined {
    try {
      return JSON.stringify(this.#architecture());
    } catch {
      return undefined;
    }
  }

  /** The states of all parts; of all ranks for parts that differ between ranks. */
  async #collect(parts: Readonly<Record<string, Stateful>>): Promise<[name: string, entry: SafetensorsInput][]> {
    const entries: [string, SafetensorsInput][] = [];
    for (const [part, stateful] of Object.entries(parts)) {
      const own = stateful.state();
      const state = stateful instanceof RankState && this.#parallel ? await gatherStates(own, this.#parallel) : own;
      for (const [name, entry] of state) entries.push([`${part}.${name}`, entry]);
    }
    return entries;
  }

  /** Removes all checkpoints, and the folder if it is then empty. Call it when a run is done. */
  async clear(): Promise<void> {
    const files = filesOf(this.folder);
    for (const path of await this.list()) await files.unlink(path);
    await files.rmdir(this.folder).catch(() => {});
  }

  /** Removes half-written files of a killed run. */
  async #removeUnfinished(): Promise<void> {
    const files = filesOf(this.folder);
    for (const name of await files.readdir(this.folder)) {
      if (UNFINISHED.test(name)) await files.unlink(`${this.folder}/${name}`);
    }
  }

  /**
   * Restores the last checkpoint, or the one in `file`. Checkpoints newer than `file` belong to a continuation that is being
   * abandoned, and are renamed to `abandoned-…`.
   *
   * @param parts What to restore besides the parts named in the options.
   * @param file The path of a checkpoint.
   * @returns The file and the progress saved with it; undefined if no file was named and there are no checkpoints.
   * @throws {CheckpointError} If the checkpoint is truncated, corrupt, or of another run. The message lists the differences, and
   * names the last intact checkpoint before it.
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
      this.#checkConfig(parseField("config", metadata.config) as CheckpointConfig);
      const progress = parseField("progress", metadata.progress);
      const own = Object.entries({ ...parts, ...this.#parts });
      const states = own.map(([part]) => [part, new Map<string, SafetensorsInput>()] as const);
      const unknown: string[] = [];
      for (const [name, entry] of tensors) {
        const found = states.find(([part]) => name.startsWith(`${part}.`));
        if (found === undefined) unknown.push(name);
        else found[1].set(name.slice(found[0].length + 1), entry);
      }
      if (unknown.length > 0) throw new TypeError(`this run has nothing named ${listed(unknown)}`);
      own.forEach(([part, stateful], i) => loadPart(part, stateful, states[i]![1], this.#parallel));
      for (const newer of file === undefined ? [] : all.filter((other) => nameOf(other) > nameOf(file))) {
        await filesOf(path).rename(newer, `${this.folder}/${nameOf(newer).replace("checkpoint", "abandoned")}`);
      }
      return { path, progress };
    } catch (error) {
      const problem = printable((error as Error).message.replace(/^Cannot read [^:]*: /, ""), LONGEST_PROBLEM);
      // If the checkpoint is intact but of another run, so are those before it.
      const isDamaged = error instanceof CheckpointError && file === undefined;
      const before = isDamaged ? await firstIntact(all.slice(1)) : undefined;
      const advice = before === undefined
        ? ""
        : `; resume from ${printable(before, Infinity)} instead, which is intact`;
      throw new CheckpointError(`Cannot resume from ${printable(path, Infinity)}: ${problem}${advice}`, {
        cause: error,
      });
    }
  }

  /** The bytes of rank 0, on all ranks. */
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
      return theirs === ours ? [] : [`its ${printable(name)} is ${shown(theirs)}, this run's ${shown(ours)}`];
    });
    if (differences.length > 0) throw new TypeError(`it belongs to another run: ${joined(differences)}`);
  }
}

/** The most characters of what is wrong with a checkpoint. */
const LONGEST_PROBLEM = 900;

/** The runtime's functions for files. */
function filesOf(path: string): NodeModules["fs"]["promises"] {
  return nodeModules(`use ${path}`).fs.promises;
}

/** A run that wrote nothing leaves nothing. */
function removeIfEmpty(folder: string): void {
  try {
    nodeModules(`remove ${folder}`).fs.rmdirSync(folder);
  } catch {
    // It is not empty, or already gone.
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A value of a configuration in a message. */
function shown(json: string | undefined): string {
  return json === undefined ? "missing" : printable(json);
}

/** JSON with sorted keys. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

/** Parses a field of the metadata, which must be a JSON object. */
function parseField(name: string, text: string | undefined): object {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    // The error below says it.
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new TypeError(`its ${name} must be a JSON object, got ${text === undefined ? "none" : printable(text)}`);
}

function loadPart(part: string, stateful: Stateful, state: State, parallel: Parallel | undefined): void {
  try {
    if (stateful instanceof RankState) stateful.loadShare(state, parallel);
    else stateful.load(state);
  } catch (error) {
    throw new TypeError(`${part}: ${(error as Error).message}`, { cause: error });
  }
}

async function firstIntact(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isIntact = await readBytes(path).then((bytes) => decodeCheckpoint(bytes, path)).then(() => true, () => false);
    if (isIntact) return path;
  }
  return undefined;
}

function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function decodeText(bytes: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder().decode(bytes);
}

async function writeToDisk(path: string, bytes: Uint8Array): Promise<void> {
  const file = await filesOf(path).open(path, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await filesOf(path).readFile(path));
  } catch (error) {
    throw failed(`read ${path}`, error);
  }
}

function failed(doing: string, error: unknown): CheckpointError {
  return new CheckpointError(printable(`Cannot ${doing}: ${(error as Error).message}`, Infinity), { cause: error });
}

// The file: safetensors whose metadata has a SHA-256 of the whole file, computed with zeros in place of the checksum.

const FORMAT = "unfold checkpoint 1";
/** The checksum's placeholder while it is computed. */
const BLANK = "0".repeat(64);
/** What precedes the checksum in the file's header. */
const FIELD = '"sha256":"';

/** Encodes a safetensors file with a checksum in its metadata. */
export async function encodeChecked(
  tensors: Iterable<readonly [name: string, tensor: SafetensorsInput]>,
  metadata: Record<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = encodeSafetensors(tensors, { metadata: { sha256: BLANK, ...metadata } });
  bytes.set(new TextEncoder().encode(await checksumOf(bytes)), checksumAt(bytes));
  return bytes;
}

/** Checks and decodes a checkpoint's bytes. */
async function decodeCheckpoint(bytes: Uint8Array<ArrayBuffer>, path: string): Promise<Safetensors> {
  const checkpoint = await decodeChecked(bytes, path);
  const { format } = checkpoint.metadata;
  const file = printable(path, Infinity);
  if (format !== FORMAT) {
    throw new CheckpointError(`Cannot read ${file}: its format must be "${FORMAT}", got ${quoted(format)}`);
  }
  return checkpoint;
}

/**
 * Decodes what {@linkcode encodeChecked} encoded.
 *
 * @throws {CheckpointError} If a single bit has changed.
 */
async function decodeChecked(bytes: Uint8Array<ArrayBuffer>, file: string): Promise<Safetensors> {
  const [at, name] = [checksumAt(bytes), printable(file, Infinity)];
  if (at < 0) {
    throw new CheckpointError(`Cannot read ${name}: it must be a checkpoint, got another file or a truncated one`);
  }
  const expected = new TextDecoder().decode(bytes.subarray(at, at + BLANK.length));
  const blank = bytes.slice();
  blank.set(new TextEncoder().encode(BLANK), at);
  const actual = await checksumOf(blank);
  if (actual !== expected) {
    const problem = `it is corrupt: its checksum must be ${actual}, got ${printable(expected)}`;
    throw new CheckpointError(`Cannot read ${name}: ${problem}`);
  }
  return decodeSafetensors(bytes, { file });
}

/** The position of the checksum in a file's header, or −1. */
function checksumAt(bytes: Uint8Array): number {
  if (bytes.length < 8) return -1;
  const header = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const text = new TextDecoder("latin1").decode(bytes.subarray(8, 8 + Number(header < 1e6 ? header : 1_000_000n)));
  const at = text.indexOf(FIELD);
  return at < 0 || at + FIELD.length + BLANK.length > text.length ? -1 : 8 + at + FIELD.length;
}

async function checksumOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
