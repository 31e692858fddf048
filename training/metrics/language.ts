/**
 * Perplexity: e^nats, among how many equally likely tokens the model in effect chooses (Jelinek et al., 1977).
 *
 * @param nats The mean cross-entropy of a token, as `softmaxCrossEntropy` gives it.
 * @returns 1 or more; infinite above about 709 nats.
 * @throws {RangeError} If the cross-entropy is no finite number of 0 or more.
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
