import {
  add,
  matmul,
  type NamedParameters,
  Random,
  reshape,
  scale,
  softmax,
  tanh,
  type Tensor,
  tensor,
  where,
} from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import { checkLengths, checkShape } from "./_check.ts";
import { Dense } from "./dense.ts";

/** Options for {@linkcode Attention}. */
export interface AttentionOptions {
  /** Features of a query. */
  querySize: number;
  /** Features of the memory at each time step. */
  memorySize: number;
  /**
   * How well a query fits a time step.
   *
   * @default {"dot"}
   */
  score?: "dot" | "additive";
  /**
   * Features inside the additive score.
   *
   * @default {memorySize}
   */
  hiddenSize?: number;
  /**
   * Where the first weights of the additive score come from; pass a seeded one for weights that can be had again.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/** What {@linkcode Attention.attend} returns. */
export interface Attended {
  /** What was read from the memory: [batch, queries, memorySize]. */
  readonly context: Tensor;
  /** How much of each time step is in it: [batch, queries, time], each row summing to 1. */
  readonly weights: Tensor;
}

/**
 * Attention over a memory m, such as an encoder's output. For each query q
 *
 *     αₜ = softmaxₜ(score(q, mₜ)),   context = Σ αₜ·mₜ
 *
 * with score(q, m) = q·m/√memorySize (dot product, scaled: Vaswani et al., 2017; nothing is learned, and queries have as many
 * features as the memory) or v·tanh(q·Q + m·M) (additive: Bahdanau et al., 2015).
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Attention } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const attention = new Attention({ querySize: 2, memorySize: 2 });
 * const memory = tensor([[[50, 0], [0, 50]]]);
 * const { context, weights } = attention.attend(tensor([[[0, 9]]]), memory);
 * assert.deepEqual(weights.toArray(), [[[0, 1]]]);
 * assert.deepEqual(context.toArray(), [[[0, 50]]]);
 * ```
 */
export class Attention {
  readonly #options: AttentionOptions;
  readonly #additive: { query: Dense; memory: Dense; score: Dense } | undefined;

  /**
   * Makes the layer with its first weights.
   *
   * @throws {RangeError} If a size is no integer of 1 or more, the score is unknown, or the sizes differ for the dot product.
   */
  constructor(options: AttentionOptions) {
    const { querySize, memorySize, score = "dot", hiddenSize = memorySize, random = Random.arbitrary() } = options;
    checkCounts("make Attention", { querySize, memorySize, hiddenSize });
    if (score !== "dot" && score !== "additive") {
      throw new RangeError(
        `Cannot make Attention: score must be "dot" or "additive", got ${JSON.stringify(score)}`,
      );
    }
    if (score === "dot" && querySize !== memorySize) {
      throw new RangeError(
        `Cannot make Attention: querySize and memorySize must be equal for the dot product, got ${querySize} and ${memorySize}`,
      );
    }
    this.#options = options;
    const dense = (inputSize: number, outputSize: number) => new Dense({ inputSize, outputSize, bias: false, random });
    this.#additive = score === "dot" ? undefined : {
      query: dense(querySize, hiddenSize),
      memory: dense(memorySize, hiddenSize),
      score: dense(hiddenSize, 1),
    };
  }

  /** For the additive score `query.weight` Q, `memory.weight` M and `score.weight` v; none for the dot product. */
  parameters(): NamedParameters {
    return Object.fromEntries(
      Object.entries(this.#additive ?? {}).map(([name, { weight }]) => [`${name}.weight`, weight]),
    );
  }

  /**
   * Reads from a memory.
   *
   * @param query [batch, queries, querySize].
   * @param memory [batch, time, memorySize].
   * @param options `lengths`: time steps of each memory; those after are padding, and get no weight.
   * @throws {TypeError} If a shape is another, or the lengths are not one for each sequence.
   * @throws {RangeError} If a length is no integer from 1 to time.
   */
  attend(query: Tensor, memory: Tensor, options: { lengths?: readonly number[] } = {}): Attended {
    const doing = "attend";
    const { querySize, memorySize } = this.#options;
    checkShape(doing, "query", query, { batch: undefined, queries: undefined, querySize });
    const batch = query.shape[0]!;
    checkShape(doing, "memory", memory, { batch, time: undefined, memorySize });
    const time = memory.shape[1]!;
    const { lengths } = options;
    if (lengths === undefined) return read(this.#scores(query, memory), memory);
    checkLengths(doing, lengths, { batch, time, least: 1 });
    const valid = Int32Array.from(
      { length: batch * time },
      (_, i) => Number(i % time < lengths[Math.floor(i / time)]!),
    );
    // Whatever stands in the padding, NaN too, is not looked at.
    const clean = where(tensor(valid, { shape: [batch, time, 1] }), memory, tensor(0));
    const scores = this.#scores(query, clean);
    return read(where(tensor(valid, { shape: [batch, 1, time] }), scores, tensor(-Infinity)), clean);
  }

  /** [batch, queries, time]. */
  #scores(query: Tensor, memory: Tensor): Tensor {
    const additive = this.#additive;
    if (additive === undefined) {
      return scale(matmul(query, memory, { transposeB: true }), 1 / Math.sqrt(this.#options.memorySize));
    }
    const [batch, queries] = query.shape as [number, number];
    const time = memory.shape[1]!;
    const fromQuery = additive.query.forward(query);
    const hidden = fromQuery.shape[2]!;
    const fromMemory = reshape(additive.memory.forward(memory), [batch, 1, time, hidden]);
    const sums = add(reshape(fromQuery, [batch, queries, 1, hidden]), fromMemory);
    return reshape(additive.score.forward(tanh(sums)), [batch, queries, time]);
  }
}

function read(scores: Tensor, memory: Tensor): Attended {
  const weights = softmax(scores);
  return { context: matmul(weights, memory), weights };
}
