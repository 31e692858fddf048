/**
 * Perplexity: e^nats, the effective number of equally likely tokens that the model chooses from (Jelinek et al., 1977).
 *
 * @param nats The mean cross-entropy per token, as `softmaxCrossEntropy` returns it.
 * @returns 1 or more; infinite above about 709 nats.
 * @throws {RangeError} If the cross-entropy is not a finite number of 0 or more.
 *
 * @example
 * ```ts
 * import { perplexity } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.ok(Math.abs(perplexity(Math.log(10)) - 10) < 1e-12);
 * ```
 */
export function perplexity(nats: number): number {
  if (!(nats >= 0 && nats < Infinity)) {
    throw new RangeError(
      `Cannot compute the perplexity: the cross-entropy must be a finite number of 0 or more, got ${nats}`,
    );
  }
  return Math.exp(nats);
}

/**
 * Converts a cross-entropy to bits: nats/ln 2. For a character model this is the size per character of the text compressed
 * with the model (Shannon, 1951).
 *
 * @param nats The mean cross-entropy per character, as `softmaxCrossEntropy` returns it.
 * @returns Bits per character.
 * @throws {RangeError} If the cross-entropy is not a finite number of 0 or more.
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
