/**
 * A cross-entropy in bits: nats/ln 2. Of a model of characters it is how many bits a character takes when the model
 * compresses the text (Shannon, 1951).
 *
 * @param nats The mean cross-entropy of a character, as `softmaxCrossEntropy` gives it.
 * @returns Bits per character.
 * @throws {RangeError} If the cross-entropy is no finite number of 0 or more.
 *
 * @example
 * ```ts
 * import { bitsPerCharacter } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(bitsPerCharacter(Math.log(8)), 3);
 * ```
 */
export function bitsPerCharacter(nats: number): number {
  if (!(nats >= 0 && nats < Infinity)) {
    throw new RangeError(`Cannot convert to bits: the cross-entropy must be a finite number of 0 or more, got ${nats}`);
  }
  return nats / Math.LN2;
}
