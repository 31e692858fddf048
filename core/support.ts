/**
 * Helpers that Unfold's modules share, for authors of plugins too: checks of options, text from outside in messages, shared
 * libraries of the system, and a writer of protocol buffers.
 *
 * @example A loader that checks its options as Unfold does
 * ```ts
 * import { checkCounts } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * function load({ batchSize = 32 } = {}) {
 *   checkCounts("load rows", { batchSize });
 * }
 * assert.throws(() => load({ batchSize: 0.5 }), /batchSize must be an integer of 1 or more, got 0.5/);
 * ```
 *
 * @module
 */

export { checkCounts, type CheckCountsOptions, describe } from "./checks.ts";
export { checkParameters } from "./named_parameters.ts";
export { harmless, joined, listed, printable, quoted } from "./printable.ts";
export { type OpenedLibrary, openLibrary, type OpenLibraryOptions } from "./libraries.ts";
export {
  arrayField,
  bytesField,
  doubleField,
  type Encoded,
  floatField,
  integerField,
  integersField,
  message,
  toBytes,
} from "./protobuf.ts";
