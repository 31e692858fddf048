import { noGrad, type Random, scope, type Tensor, tensor, zeros } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { RecurrentState } from "@unfold/layers";
import type { LanguageModel } from "./language_model.ts";

/** How the next token is chosen. */
interface SamplingOptions {
  /** What logits are divided by: below 1 the likely gets likelier; 0 always takes the likeliest. */
  readonly temperature: number;
  /** Only so many of the likeliest tokens may come; all of them where it is 0. */
  readonly topK: number;
  /** Only the likeliest tokens that together reach this probability may come (Holtzman et al., 2020). */
  readonly topP: number;
}

/** Throws a `RangeError` unless the options can be drawn by. */
function checkSampling({ temperature, topK, topP }: SamplingOptions): void {
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

/** What is to be written. */
interface GenerateOptions extends SamplingOptions {
  /**
   * What the text begins with; the model reads it first. Where it is empty the model reads a line break, if it knows
   * it.
   */
  readonly prompt: string;
  /** Tokens to write. */
  readonly length: number;
  /** Texts that are written at once, each by chances of its own. */
  readonly count: number;
  readonly random: Random;
}

/**
 * Reads a prompt and writes on, token after token.
 *
 * @returns The tokens that come next, one a text.
 * @throws {RangeError} If the model does not know a character of the prompt, or a number is out of range.
 */
export function* generateTokens(
  model: LanguageModel,
  options: GenerateOptions,
): Generator<Int32Array, void, undefined> {
  const { prompt, length, count, random } = options;
  checkSampling(options);
  checkCounts("generate", { length, count });
  const { size, kind, vocabulary } = model.tokenizer;
  const start = kind === "byte" || vocabulary.includes("\n") ? "\n" : "";
  const read = model.tokenizer.encode(prompt === "" ? start : prompt);
  using reader = new Reader(model, count);
  // Where nothing was read any token may come.
  let logits = new Float32Array(count * size);
  for (const token of read) logits = reader.read(new Int32Array(count).fill(token));
  for (let i = 0; i < length; i++) {
    const tokens = Int32Array.from(
      { length: count },
      (_, row) => sampleToken(logits.subarray(row * size, (row + 1) * size), options, random),
    );
    yield tokens;
    logits = reader.read(tokens);
  }
}

/**
 * Writes on after a prompt; the text comes as it is written.
 *
 * @param options How; `stop` ends the text before it would come.
 */
export async function* generateText(
  model: LanguageModel,
  { stop, ...options }: Omit<GenerateOptions, "count"> & { readonly stop?: string | undefined },
): AsyncGenerator<string, void, undefined> {
  const decode = model.tokenizer.decoder();
  // What may be the beginning of the stop text waits.
  let waiting = "";
  let breath = performance.now();
  for (const [token] of generateTokens(model, { ...options, count: 1 })) {
    waiting += decode(token!);
    const end = stop === undefined ? -1 : waiting.indexOf(stop);
    if (end >= 0) return yield waiting.slice(0, end);
    const held = stop === undefined ? 0 : overlap(waiting, stop);
    if (waiting.length > held) yield waiting.slice(0, waiting.length - held);
    waiting = waiting.slice(waiting.length - held);
    if (performance.now() - breath < 100) continue;
    // Lets signals in.
    await new Promise((resolve) => setTimeout(resolve, 0));
    breath = performance.now();
  }
  if (waiting !== "") yield waiting;
}

/** How many characters at the end of a text are the beginning of another. */
function overlap(text: string, start: string): number {
  for (let length = Math.min(text.length, start.length - 1); length > 0; length--) {
    if (text.endsWith(start.slice(0, length))) return length;
  }
  return 0;
}

/** Reads tokens one after the other, and says what may come next. */
export class Reader implements Disposable {
  readonly #model: LanguageModel;
  readonly #state: RecurrentState;
  readonly #tokens: Tensor<"i32">;

  /**
   * @param count Texts that are read side by side.
   */
  constructor(model: LanguageModel, count: number) {
    this.#model = model;
    using _ = scope();
    const copy = ({ shape }: Tensor) => zeros(shape, { persistent: true });
    const start = model.recurrent.initialState(count);
    this.#state = Object.fromEntries(Object.entries(start).map(([name, state]) => [name, copy(state)]));
    this.#tokens = tensor(new Int32Array(count), { shape: [count], persistent: true });
  }

  /**
   * Reads a token of each text; gives the logits of what comes next, [count, size], and shows the outputs of the last
   * layer.
   */
  read(tokens: Int32Array, watch?: (hidden: Float32Array) => void): Float32Array<ArrayBuffer> {
    using _ = scope();
    this.#tokens.data.set(tokens);
    return noGrad(() => {
      const { logits, hidden, state } = this.#model.step(this.#tokens, this.#state);
      for (const [name, after] of Object.entries(state)) this.#state[name]!.data.set(after.data);
      watch?.(hidden.data);
      return logits.data.slice() as Float32Array<ArrayBuffer>;
    });
  }

  [Symbol.dispose](): void {
    for (const state of Object.values(this.#state)) state.dispose();
    this.#tokens.dispose();
  }
}
