import { alignedSize, Block, bytesInBlocks, formatBytes, inUse, memory } from "./memory.ts";

const FIRST_CHUNK = 1 << 20;

/** The arena: chunks that are filled one after the other and reused as soon as the scope that filled them ends. */
const chunks: Block[] = [];
let chunk = 0;
let cursor = 0;
/** How large a new chunk is at least: what all chunks together came to before, so that soon one is enough. */
let chunkSize = FIRST_CHUNK;
let innermost: Scope | undefined;

/** An open scope: everything allocated while it is the innermost one is released when it ends. */
class Scope implements Disposable {
  readonly #parent = innermost;
  readonly #chunk = chunk;
  readonly #cursor = cursor;
  #released = false;

  /** Whether the scope has ended. */
  get released(): boolean {
    return this.#released;
  }

  /** Ends the scope, and with it every scope opened inside it that is still open. */
  [Symbol.dispose](): void {
    if (this.#released) return;
    for (let open = innermost; open !== undefined && open !== this; open = open.#parent) open.#released = true;
    this.#released = true;
    innermost = this.#parent;
    chunk = this.#chunk;
    cursor = this.#cursor;
    if (innermost === undefined && chunks.length > 1) {
      chunkSize = chunks.reduce((total, { bytes }) => total + bytes, 0);
      dropChunks(0);
    }
  }
}

function dropChunks(from: number): void {
  for (const dropped of chunks.splice(from)) dropped.release();
}

/**
 * Opens a scope: tensors made from here on are released together when it is disposed of, at the end of the block that
 * holds `using`. Scopes nest. Open one per training step; it costs nothing.
 *
 * A scope must not stay open across an `await` or a `yield`, where other code could allocate in it.
 *
 * @example
 * ```ts
 * import { add, keep, scope, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2]);
 * let kept, lost;
 * {
 *   using _ = scope();
 *   lost = add(x, x);
 *   kept = keep(lost);
 * }
 * assert.deepEqual(kept.toArray(), [2, 4]);
 * assert.throws(() => lost.data, ReferenceError);
 * ```
 */
export function scope(): Disposable {
  if (innermost === undefined) {
    chunk = 0;
    cursor = 0;
  }
  return innermost = new Scope();
}

/** The innermost open scope, if any. */
export function currentScope(): Scope | undefined {
  return innermost;
}

/** Takes `bytes` from the arena of the innermost scope, which must exist. */
export function allocateInScope(bytes: number, purpose: string): number {
  const size = alignedSize(bytes);
  const room = chunks[chunk];
  if (room !== undefined && cursor + size <= room.bytes) return place(room, size);
  // A chunk that is empty but too small gives its memory to the one that takes its place.
  const next = room === undefined || cursor === 0 ? chunk : chunk + 1;
  if (chunks[next] === undefined || chunks[next].bytes < size) {
    // What lies beyond is empty, and too small for what this program needs now.
    dropChunks(next);
    chunks.push(newChunk(size, purpose));
  }
  chunk = next;
  cursor = 0;
  return place(chunks[chunk]!, size);
}

/** A chunk with room to spare or, where the memory has none, just large enough. */
function newChunk(size: number, purpose: string): Block {
  if (chunkSize > size) {
    try {
      return new Block(chunkSize, purpose);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      chunkSize = FIRST_CHUNK;
    }
  }
  return new Block(size, purpose);
}

function place(room: Block, size: number): number {
  const offset = room.offset + cursor;
  cursor += size;
  return offset;
}

/** Bytes that the chunks of the arena hold. */
function bytesInArena(): number {
  return chunks.reduce((total, { bytes }) => total + bytes, 0);
}

/** Takes `bytes` of scratch memory from the innermost scope: for packed operands and saved values of an op. */
export function scratch(bytes: number): number {
  if (innermost === undefined) throw new ReferenceError("Cannot take scratch memory: no scope is open");
  return allocateInScope(bytes, "scratch memory");
}

inUse.push(
  () => `${formatBytes(bytesInArena())} of them by scopes`,
  () => `${formatBytes(ambientBytes)} by tensors outside any scope`,
);

/** How much may live outside any scope before a loop without scopes is suspected. */
const AMBIENT_BUDGET = 2 ** 30;
let ambientBytes = 0;
const ambientBackstop = new FinalizationRegistry<number>((bytes) => void (ambientBytes -= bytes));

/** A block that counts towards the ambient budget. */
export class AmbientBlock extends Block {
  constructor(bytes: number, purpose: string) {
    if (ambientBytes + bytes > AMBIENT_BUDGET) {
      throw new RangeError(
        `Cannot allocate ${formatBytes(bytes)} for ${purpose}: outside any scope tensors may take ` +
          `${formatBytes(AMBIENT_BUDGET)} in all, and ${
            formatBytes(ambientBytes)
          } are in use. A loop that makes tensors must open ` +
          "a scope: put `using _ = scope();` first in its body, and keep() what must outlive it. What is meant to stay can be " +
          "made with { persistent: true }",
      );
    }
    super(bytes, purpose);
    ambientBytes += this.bytes;
    ambientBackstop.register(this, this.bytes, this);
  }

  override release(): void {
    if (!this.released) {
      ambientBackstop.unregister(this);
      ambientBytes -= this.bytes;
    }
    super.release();
  }
}

/** Where the memory went, in bytes. */
export interface MemoryStats {
  /** Size of the memory; it never shrinks. */
  total: number;
  /** In blocks: everything below, and parameters, optimizer slots and kept tensors. */
  blocks: number;
  /** Held for scopes, whether one is open or not. */
  scopes: number;
  /** In tensors that were made outside any scope. */
  ambient: number;
}

/**
 * Tells how much memory is in use, and for what.
 *
 * @example
 * ```ts
 * import { memoryStats, zeros } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const before = memoryStats().ambient;
 * const x = zeros([1024]);
 * assert.equal(memoryStats().ambient - before, 4096);
 * x.dispose();
 * assert.equal(memoryStats().ambient, before);
 * ```
 */
export function memoryStats(): MemoryStats {
  return {
    total: memory.buffer.byteLength,
    blocks: bytesInBlocks(),
    scopes: bytesInArena(),
    ambient: ambientBytes,
  };
}
