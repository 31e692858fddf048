import "./_program.ts";

/** A range of bytes of the memory. */
interface Range {
  offset: number;
  bytes: number;
}

/**
 * First-fit allocator over disjoint ranges, sorted by offset and merged when they touch. It holds long-lived memory
 * (parameters, slots, arenas): a few dozen blocks, so a linear search is short.
 */
export class FreeList {
  #ranges: Range[] = [];

  /** Free bytes in all, perhaps not contiguous. */
  get free(): number {
    return this.#ranges.reduce((total, range) => total + range.bytes, 0);
  }

  /** Free bytes that end at an offset. */
  freeBefore(offset: number): number {
    return this.#ranges.find((range) => range.offset + range.bytes === offset)?.bytes ?? 0;
  }

  /** Takes `bytes` from the first range that is large enough, or returns `undefined`. */
  take(bytes: number): number | undefined {
    const index = this.#ranges.findIndex((range) => range.bytes >= bytes);
    const range = this.#ranges[index];
    if (range === undefined) return undefined;
    const { offset } = range;
    range.offset += bytes;
    range.bytes -= bytes;
    if (range.bytes === 0) this.#ranges.splice(index, 1);
    return offset;
  }

  /** Frees a range. */
  give({ offset, bytes }: Range): void {
    let index = this.#ranges.findIndex((range) => range.offset > offset);
    if (index < 0) index = this.#ranges.length;
    this.#ranges.splice(index, 0, { offset, bytes });
    this.#merge(index);
    this.#merge(index - 1);
  }

  #merge(index: number): void {
    const left = this.#ranges[index];
    const right = this.#ranges[index + 1];
    if (left === undefined || right === undefined || left.offset + left.bytes !== right.offset) return;
    left.bytes += right.bytes;
    this.#ranges.splice(index + 1, 1);
  }
}

const PAGE = 65_536;
const MAX_PAGES = 65_536;
/** The most that the memory can have. */
export const MAX_BYTES: number = MAX_PAGES * PAGE;
/** Every block starts on a cache line. */
const ALIGNMENT = 64;
/** The first bytes are never allocated: offset 0 stays invalid, and kernels keep scratch and constants there. */
const RESERVED = 4096;
/** The last cache line is never allocated: a kernel may read (never write) a little past a block. */
const GUARD = 64;

/**
 * The memory that all tensors live in and all kernels import.
 *
 * When the memory grows, `memory.buffer` is replaced, and views of the old buffer end where it ended or, if the memory is not
 * shared between threads, get length 0. Take views right before use ({@linkcode Tensor.data}, {@linkcode view}) and do not keep
 * them.
 *
 * @example
 * ```ts
 * import { memory } from "@unfold/core/kernels";
 * import assert from "node:assert/strict";
 *
 * assert.ok(memory.buffer.byteLength > 0);
 * ```
 */
export const memory: WebAssembly.Memory = makeMemory();

/** Whether threads can share the memory. */
export const isShared: boolean = !(memory.buffer instanceof ArrayBuffer);

/** A shared memory, if the engine has them: pages that are not isolated from other sites do not. */
function makeMemory(): WebAssembly.Memory {
  const size = { initial: 16, maximum: MAX_PAGES };
  if (typeof SharedArrayBuffer === "undefined") return new WebAssembly.Memory(size);
  try {
    return new WebAssembly.Memory({ ...size, shared: true });
  } catch {
    // There are no threads, or no room in the address space for all that a shared memory may grow to.
    return new WebAssembly.Memory(size);
  }
}

const freeList = new FreeList();
freeList.give({ offset: RESERVED, bytes: memory.buffer.byteLength - RESERVED - GUARD });
let blockBytes = 0;

/** Rounds a size up to whole cache lines, at least one, so that no two blocks share an offset. */
export function alignedSize(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
}

/** Bytes in human units, for messages. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** Parts of the message about a failed allocation that say what uses the memory. Modules that keep counts add theirs. */
export const inUse: (() => string)[] = [];

/** What to do when the memory cannot grow: give back blocks that are held for later. Modules that hold some add theirs. */
export const onShortage: (() => void)[] = [];

/** How often the memory has grown. */
export const growth: { count: number } = { count: 0 };

function grow(bytes: number, purpose: string): void {
  const before = memory.buffer.byteLength;
  const pages = Math.ceil((bytes - freeList.freeBefore(before - GUARD)) / PAGE);
  try {
    memory.grow(pages);
  } catch {
    const uses = [`${formatBytes(blockBytes)} are in use`, ...inUse.map((describe) => describe())].join(", ");
    const [wanted, free, size, limit] = [bytes, freeList.free, before, MAX_BYTES].map(formatBytes);
    throw new RangeError(
      `Cannot allocate ${wanted} for ${purpose}: ${uses}, the rest by parameters, optimizer slots and kept tensors; ` +
        `${free} are free in smaller blocks, and the memory of ${size} cannot grow past ${limit}`,
    );
  }
  growth.count++;
  freeList.give({ offset: before - GUARD, bytes: pages * PAGE });
}

/**
 * Makes room for `count` blocks of `bytes` each, so that allocating them does not grow the memory and views taken from now on
 * stay valid meanwhile.
 */
export function reserve(count: number, bytes: number): void {
  const room = count * alignedSize(bytes);
  freeList.give({ offset: take(room, "a reservation"), bytes: room });
}

function take(bytes: number, purpose: string): number {
  let offset = freeList.take(bytes);
  if (offset === undefined && isShort(bytes)) {
    for (const giveUp of onShortage) giveUp();
    offset = freeList.take(bytes);
  }
  if (offset === undefined) {
    grow(bytes, purpose);
    offset = freeList.take(bytes)!;
  }
  return offset;
}

/** Whether the memory cannot grow by enough for `bytes`. */
function isShort(bytes: number): boolean {
  const size = memory.buffer.byteLength;
  return size + bytes - freeList.freeBefore(size - GUARD) > MAX_PAGES * PAGE;
}

const backstop = new FinalizationRegistry((range: Range) => giveBack(range));

function giveBack(range: Range): void {
  blockBytes -= range.bytes;
  freeList.give(range);
}

/** A block of memory that lives until it is released or nothing refers to it. */
export class Block {
  /** Where it starts, in bytes. */
  readonly offset: number;
  /** Its size, in bytes. */
  readonly bytes: number;
  #released = false;

  /** Allocates a block; `purpose` completes the message if that fails. */
  constructor(bytes: number, purpose: string) {
    this.bytes = alignedSize(bytes);
    this.offset = take(this.bytes, purpose);
    blockBytes += this.bytes;
    backstop.register(this, { offset: this.offset, bytes: this.bytes }, this);
  }

  /** Whether it has been released. */
  get released(): boolean {
    return this.#released;
  }

  /** Frees the memory. A second call does nothing. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    backstop.unregister(this);
    giveBack(this);
  }
}

/** Bytes in blocks: parameters, slots, kept tensors and the arenas of scopes. */
export function bytesInBlocks(): number {
  return blockBytes;
}

/**
 * A view of `length` floats of the memory, from a byte offset.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { view } from "@unfold/core/kernels";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2, 3]);
 * assert.deepEqual([...view(x.offset, 3)], [1, 2, 3]);
 * ```
 */
export function view(offset: number, length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(memory.buffer as ArrayBuffer, offset, length);
}
