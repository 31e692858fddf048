import { bytesInBlocks, memory } from "./memory.ts";
import { bytesInArena } from "./scope.ts";
import { bytesInAmbientTensors } from "./empty.ts";

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
    ambient: bytesInAmbientTensors(),
  };
}
