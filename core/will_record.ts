import { willRecord as ask } from "./_tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Whether gradients of these inputs can be asked for: inside the forward of {@linkcode defineOp}, whether it is worth
 * saving values for the backward.
 *
 * @example
 * ```ts
 * import { noGrad, tensor, willRecord } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1], { requiresGrad: true });
 * assert.equal(willRecord([x]), true);
 * assert.equal(noGrad(() => willRecord([x])), false);
 * ```
 */
export function willRecord(inputs: readonly Tensor[]): boolean {
  return ask(inputs);
}
