import { noGrad, type Random, scope, type Tensor, tensor, zeros } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { RecurrentState } from "@unfold/layers";
import type { LanguageModel } from "./language_model.ts";

/** How to sample the next token. */
interface SamplingOptions {
  /** Divides the logits. Below 1, likely tokens get likelier; 0 always takes the most likely one. */
  readonly temperature: number;
  /** Samples from the k most likely tokens; 0 means all. */
  readonly topK: number;
  /** Samples from the most likely tokens with this total probability (Holtzman et al., 2020). */
  readonly topP: number;
}

/** Throws a `RangeError` if a sampling option is out of range. */
function checkSampling({ temperature, topK, topP }: SamplingOptions): void {
  const fail = (name: string, wanted: string, value: number) => {
    throw new RangeError(`Cannot generate: ${name} must be ${wanted}, got ${value}`);
  };
  if (!(temperature >= 0 && temperature < Infinity)) fail("temperature", "a finite number ≥ 0", temperature);
  if (!(Number.isInteger(topK) && topK >= 0)) fail("topK", "an integer ≥ 0", topK);
  if (!(topP > 0 && topP <= 1)) fail("topP", "in (0, 1]", topP);
}

/** Samples a token from logits. */
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

/** Sets the weights of all but the most likely tokens to 0, and returns the sum of the remaining weights. */
function keepLikeliest(weights: Float64Array, total: number, topK: number, topP: number): number {
  const order = Uint32Array.from(weights, (_, i) => i).sort((a, b) => weights[b]! - weights[a]!);
  let [kept, count] = [0, 0];
  while (count < Math.min(topK, order.length) && (count === 0 || kept < topP * total)) {
    kept += weights[order[count++]!]!;
  }
  for (const token of order.subarray(count)) weights[token] = 0;
  return kept;
}

/** Feeds tokens to a language model one at a time, keeping its state. */
export class Reader implements Disposable {
  readonly #model: LanguageModel;
  readonly #state: RecurrentState;
  readonly #tokens: Tensor<"i32">;

  /**
   * @param count The number of texts read side by side.
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
   * Reads one token of each text.
   *
   * @param watch Called with the outputs of the last recurrent layer.
   * @returns The logits of the next tokens, [count, size].
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

/** Options of {@linkcode generateTokens}. */
interface GenerateOptions extends SamplingOptions {
  /** The beginning of the text. If it is empty, the model reads a line break first, if its vocabulary has one. */
  readonly prompt: string;
  /** The number of tokens to generate. */
  readonly length: number;
  /** The number of texts to generate, each sampled independently. */
  readonly count: number;
  readonly random: Random;
}

/**
 * Continues a prompt token by token.
 *
 * @returns At each step the next token of each text.
 * @throws {RangeError} If the prompt has a character that is not in the vocabulary, or an option is out of range.
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
  // Before the first token, all tokens are equally likely.
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
 * Continues a prompt and yields the text as it is generated.
 *
 * @param options As for {@linkcode generateTokens}, for one text. `stop` ends the text before its first occurrence.
 */
export async function* generateText(
  model: LanguageModel,
  { stop, ...options }: Omit<GenerateOptions, "count"> & { readonly stop?: string | undefined },
): AsyncGenerator<string, void, undefined> {
  const decode = model.tokenizer.decoder();
  // Hold back what may be the beginning of the stop text.
  let waiting = "";
  let yielded = performance.now();
  for (const [token] of generateTokens(model, { ...options, count: 1 })) {
    waiting += decode(token!);
    const end = stop === undefined ? -1 : waiting.indexOf(stop);
    if (end >= 0) return yield waiting.slice(0, end);
    const held = stop === undefined ? 0 : overlap(waiting, stop);
    if (waiting.length > held) yield waiting.slice(0, waiting.length - held);
    waiting = waiting.slice(waiting.length - held);
    if (performance.now() - yielded < 100) continue;
    // Lets the event loop handle signals.
    await new Promise((resolve) => setTimeout(resolve, 0));
    yielded = performance.now();
  }
  if (waiting !== "") yield waiting;
}

/** The length of the longest suffix of a text that is a prefix of another. */
function overlap(text: string, start: string): number {
  for (let length = Math.min(text.length, start.length - 1); length > 0; length--) {
    if (text.endsWith(start.slice(0, length))) return length;
  }
  return 0;
}
