import { alignedSize, Block, formatBytes, inUse } from "./memory.ts";

const FIRST_CHUNK = 1 << 20;

/** The arena: chunks that are filled one after the other and reused as soon as the scope that filled them ends. */
const chunks: Block[] = [];
let chunk = 0;
let cursor = 0;
/** How large a new chunk is at least: what all chunks together came to before, so that soon one is enough. */
let chunkSize = FIRST_CHUNK;
let innermost: Scope | undefined;

/** An open scope: everything allocated while it is the innermost one is released when it ends. */
export class Scope implements Disposable {
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
export function bytesInArena(): number {
  return chunks.reduce((total, { bytes }) => total + bytes, 0);
}

/** Takes `bytes` of scratch memory from the innermost scope: for packed operands and saved values of an op. */
export function scratch(bytes: number): number {
  if (innermost === undefined) throw new ReferenceError("Cannot take scratch memory: no scope is open");
  return allocateInScope(bytes, "scratch memory");
}

inUse.push(() => `${formatBytes(bytesInArena())} of them by scopes`);
