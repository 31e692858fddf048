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
import { checkCounts, describe } from "@unfold/core/support";
import { checkLengths, checkShape } from "./_check.ts";
import { Dense } from "./dense.ts";

/** Options for {@linkcode Attention}. */
export interface AttentionOptions {
  /** Features of a query. */
  querySize: number;
  /** Features of the memory at each time step. */
  memorySize: number;
  /**
   * How the match of a query and a time step is scored.
   *
   * @default {"dot"}
   */
  score?: "dot" | "additive";
  /**
   * Hidden features of the additive score.
   *
   * @default {memorySize}
   */
  hiddenSize?: number;
  /**
   * Draws the initial weights of the additive score; pass a seeded one for reproducible weights.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/** What {@linkcode Attention.attend} returns. */
export interface Attended {
  /** The weighted sums of the memory: [batch, queries, memorySize]. */
  readonly context: Tensor;
  /** The weight of each time step: [batch, queries, time]. Each row sums to 1. */
  readonly weights: Tensor;
}

/**
 * Attention over a memory m, such as an encoder's output. For each query q
 *
 *     αₜ = softmaxₜ(score(q, mₜ)),   context = Σ αₜ·mₜ
 *
 * with one of two scores:
 *
 * - dot: q·m/√memorySize (Vaswani et al., 2017). It has no parameters, and querySize must equal memorySize.
 * - additive: v·tanh(q·Q + m·M) (Bahdanau et al., 2015).
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
   * Creates the layer and initializes its weights.
   *
   * @throws {RangeError} If a size is not a positive integer, the score is unknown, or the sizes differ for the dot product.
   */
  constructor(options: AttentionOptions) {
    const { querySize, memorySize, score = "dot", hiddenSize = memorySize, random = Random.arbitrary() } = options;
    checkCounts("make Attention", { querySize, memorySize, hiddenSize });
    if (score !== "dot" && score !== "additive") {
      throw new RangeError(
        `Cannot make Attention: score must be "dot" or "additive", got ${describe(score)}`,
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

  /** `query.weight` Q, `memory.weight` M and `score.weight` v for the additive score; none for the dot product. */
  parameters(): NamedParameters {
    return Object.fromEntries(
      Object.entries(this.#additive ?? {}).map(([name, { weight }]) => [`${name}.weight`, weight]),
    );
  }

  /**
   * Attends to a memory.
   *
   * @param query [batch, queries, querySize].
   * @param memory [batch, time, memorySize].
   * @param options `lengths`: time steps of each memory; the steps after them are padding and get no weight.
   * @throws {TypeError} If a shape does not match, or the number of lengths differs from the batch.
   * @throws {RangeError} If a length is not an integer from 1 to time.
   */
  attend(query: Tensor, memory: Tensor, options?: { lengths?: readonly number[] }): Attended {
    const doing = "attend";
    const { querySize, memorySize } = this.#options;
    checkShape(doing, "query", query, { batch: undefined, queries: undefined, querySize });
    const batch = query.shape[0]!;
    checkShape(doing, "memory", memory, { batch, time: undefined, memorySize });
    const time = memory.shape[1]!;
    const { lengths } = options ?? {};
    if (lengths === undefined) return read(this.#scores(query, memory), memory);
    checkLengths(doing, lengths, { batch, time, least: 1 });
    const valid = Int32Array.from(
      { length: batch * time },
      (_, i) => Number(i % time < lengths[Math.floor(i / time)]!),
    );
    // The padding may hold anything, including NaN.
    const clean = where(tensor(valid, { shape: [batch, time, 1] }), memory, tensor(0));
    const scores = this.#scores(query, clean);
    return read(where(tensor(valid, { shape: [batch, 1, time] }), scores, tensor(-Infinity)), clean);
  }

  /** The scores of all queries and time steps, [batch, queries, time]. */
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
