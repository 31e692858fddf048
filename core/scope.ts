import { alignedSize, Block, bytesInBlocks, formatBytes, inUse, MAX_BYTES, memory, onShortage } from "./memory.ts";

const FIRST_CHUNK = 1 << 20;

/** The arena: chunks that are filled in order, and reused when the scope that filled them ends. */
const chunks: Block[] = [];
let chunk = 0;
let cursor = 0;
/** The least size of a new chunk: the size of all earlier chunks together, so that soon one is enough. */
let chunkSize = FIRST_CHUNK;
let innermost: Scope | undefined;

/** A scope. Everything allocated while it is the innermost open one is released when it ends. */
export class Scope implements Disposable {
  readonly #parent = innermost;
  readonly #chunk = chunk;
  readonly #cursor = cursor;
  #released = false;
  /** Whether an outer scope ended this one. */
  #endedByOuter = false;
  /** Whether the program waited while the scope was open: it was held across `await` or `yield`, or has no `using`. */
  #crossedAwait = false;

  /** Whether the scope has ended. */
  get released(): boolean {
    return this.#released;
  }

  /** Whether the program waited while the scope was open. */
  get crossedAwait(): boolean {
    return this.#crossedAwait;
  }

  /** Marks all open scopes, once the code that opened them has returned to the event loop. */
  static markOpen(): void {
    for (let open = innermost; open !== undefined; open = open.#parent) open.#crossedAwait = true;
  }

  /**
   * Ends the scope and every scope inside it that is still open. Throws afterwards if the scope was open across `await`, or an
   * outer scope had ended it already.
   */
  [Symbol.dispose](): void {
    if (!this.#released) this.#end();
    else if (!this.#endedByOuter) return;
    const [crossedAwait, endedByOuter] = [this.#crossedAwait, this.#endedByOuter];
    this.#endedByOuter = false;
    if (crossedAwait) {
      throw new ReferenceError(
        "Cannot end a scope in order: it must not stay open across await or yield, where other code may allocate in it or " +
          "end it; await first, then open the scope, and keep() the tensors that outlive it",
      );
    }
    if (endedByOuter) {
      throw new ReferenceError(
        "Cannot end a scope: an outer scope that ended first has ended it too; scopes must end in the reverse order, as " +
          "those declared with `using _ = scope();` do",
      );
    }
  }

  #end(): void {
    for (let open = innermost; open !== undefined && open !== this; open = open.#parent) {
      open.#released = true;
      open.#endedByOuter = true;
    }
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

/** Whether a check for open scopes is due when the running code returns to the event loop. */
let checkIsDue = false;

/** Runs as a microtask: before code that waits can continue, and never during synchronous code. */
function checkOpenScopes(): void {
  checkIsDue = false;
  Scope.markOpen();
}

function dropChunks(from: number): void {
  for (const dropped of chunks.splice(from)) dropped.release();
}

// Chunks that no open scope uses are kept for the next step, until somebody else needs the memory.
onShortage.push(() => {
  dropChunks(innermost === undefined ? 0 : chunk + 1);
  chunkSize = FIRST_CHUNK;
});

/**
 * Opens a scope: tensors made from here on are released together at the end of the block with the `using` declaration.
 * Scopes nest. Open one per training step; it costs nothing.
 *
 * Do not keep a scope open across `await` or `yield`, where other code may allocate in it, or end it. Ending such a scope throws
 * a `ReferenceError`, and so does ending a scope after an outer one. An outer scope may end first when an exception unwinds: it
 * then ends the inner scopes.
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
  if (isPinned) return PINNED;
  if (innermost === undefined) {
    chunk = 0;
    cursor = 0;
  }
  if (!checkIsDue) {
    checkIsDue = true;
    queueMicrotask(checkOpenScopes);
  }
  return innermost = new Scope();
}

/** What {@linkcode scope} returns while scopes are pinned. */
const PINNED: Disposable = { [Symbol.dispose]() {} };
let isPinned = false;

/** Whether scopes opened from now on hold nothing themselves: what is made in them stays until the innermost open one ends. */
export function pinScopes(pinned: boolean): void {
  isPinned = pinned;
}

/** The innermost open scope, if any. */
export function currentScope(): Scope | undefined {
  return innermost;
}

/** Takes `bytes` from the arena for the innermost scope, which must exist. */
export function allocateInScope(bytes: number, purpose: string): number {
  const size = alignedSize(bytes);
  const room = chunks[chunk];
  if (room !== undefined && cursor + size <= room.bytes) return place(room, size);
  // An empty chunk that is too small is replaced.
  const next = room === undefined || cursor === 0 ? chunk : chunk + 1;
  if (chunks[next] === undefined || chunks[next].bytes < size) {
    // The chunks from here on are empty and too small.
    dropChunks(next);
    chunks.push(newChunk(size, purpose));
  }
  chunk = next;
  cursor = 0;
  return place(chunks[chunk]!, size);
}

/** A chunk with room to spare or, if the memory is short, one that just fits. */
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

/** The size of all chunks, in bytes. */
function bytesInArena(): number {
  return chunks.reduce((total, { bytes }) => total + bytes, 0);
}

/** Takes `bytes` of scratch memory from the innermost scope, for packed operands and values that an op saves. */
export function scratch(bytes: number): number {
  if (innermost === undefined) {
    throw new ReferenceError("Cannot take scratch memory: a scope must be open, see scope()");
  }
  return allocateInScope(bytes, "scratch memory");
}

inUse.push(
  () => `${formatBytes(bytesInArena())} of them by scopes`,
  () => `${formatBytes(ambientBytes)} by tensors outside any scope`,
);

/** The limit on tensors outside any scope: more than this is probably a loop without a scope. */
const AMBIENT_BUDGET = 2 ** 30;
let ambientBytes = 0;
const ambientBackstop = new FinalizationRegistry<number>((bytes) => void (ambientBytes -= bytes));

/** A block for a tensor outside any scope, which counts towards the budget. */
export class AmbientBlock extends Block {
  constructor(bytes: number, purpose: string) {
    // Past the size of the memory, the error is not about scopes.
    if (ambientBytes + bytes > AMBIENT_BUDGET && bytes <= MAX_BYTES) {
      const [wanted, limit, used] = [bytes, AMBIENT_BUDGET, ambientBytes].map(formatBytes);
      throw new RangeError(
        `Cannot allocate ${wanted} for ${purpose}: tensors outside any scope may take ${limit}, and ${used} are in use. A loop ` +
          "that makes tensors needs a scope: start its body with `using _ = scope();`, and keep() what must outlive it. Make " +
          "tensors that must outlive the scope with { persistent: true }",
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

/** Memory in use, in bytes. */
export interface MemoryStats {
  /** The size of the memory, which never shrinks. */
  total: number;
  /** Allocated in all: scopes, ambient tensors, parameters, optimizer slots and kept tensors. */
  blocks: number;
  /** Reserved for scopes, open or not. */
  scopes: number;
  /** In tensors made outside any scope. */
  ambient: number;
}

/**
 * Reports how much memory is in use, and for what.
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
