import type { Random } from "@unfold/core";

/** How the next token is chosen. */
export interface SamplingOptions {
  /** What logits are divided by: below 1 the likely gets likelier; 0 always takes the likeliest. */
  readonly temperature: number;
  /** Only so many of the likeliest tokens may come; all of them where it is 0. */
  readonly topK: number;
  /** Only the likeliest tokens that together reach this probability may come (Holtzman et al., 2020). */
  readonly topP: number;
}

/** Throws a `RangeError` unless the options can be drawn by. */
export function checkSampling({ temperature, topK, topP }: SamplingOptions): void {
  const fail = (name: string, wanted: string, value: number) => {
    throw new RangeError(`Cannot generate: ${name} must be ${wanted}, got ${value}`);
  };
  if (!(temperature >= 0 && temperature < Infinity)) fail("temperature", "a number of 0 or more", temperature);
  if (!(Number.isInteger(topK) && topK >= 0)) fail("topK", "an integer of 0 or more", topK);
  if (!(topP > 0 && topP <= 1)) fail("topP", "above 0, 1 at most", topP);
}

/** Draws a token by its logits. */
export function sampleToken(
  logits: Float32Array,
  { temperature, topK, topP }: SamplingOptions,
  random: Random,
): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  if (temperature === 0) return best;
  const weights = new Float64Array(logits.length);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += weights[i] = Math.exp((logits[i]! - logits[best]!) / temperature);
  if (topK > 0 || topP < 1) total = keepLikeliest(weights, total, topK || weights.length, topP);
  let left = random.uniform() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return best;
}

/** Sets the weights of all but the likeliest tokens to 0; returns the sum of what is left. */
function keepLikeliest(weights: Float64Array, total: number, topK: number, topP: number): number {
  const order = Uint32Array.from(weights, (_, i) => i).sort((a, b) => weights[b]! - weights[a]!);
  let [kept, count] = [0, 0];
  while (count < Math.min(topK, order.length) && (count === 0 || kept < topP * total)) {
    kept += weights[order[count++]!]!;
  }
  for (const token of order.subarray(count)) weights[token] = 0;
  return kept;
}
