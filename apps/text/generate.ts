import { noGrad, type Random, scope, type Tensor, tensor, zeros } from "@unfold/core";
import type { RecurrentState } from "@unfold/layers";
import type { LanguageModel } from "./language_model.ts";
import { checkSampling, sampleToken, type SamplingOptions } from "./sampling.ts";

/** What is to be written. */
export interface GenerateOptions extends SamplingOptions {
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
  for (const [name, value] of Object.entries({ length, count })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new RangeError(`Cannot generate: ${name} must be an integer of 1 or more, got ${value}`);
  }
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
