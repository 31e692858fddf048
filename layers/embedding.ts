import { gather, type NamedParameters, Parameter, Random, type Tensor } from "@unfold/core";
import { checkCounts, describe } from "@unfold/core/support";
import { architectureFor } from "./_architecture.ts";
import type { Layer, LayerArchitecture } from "./layer.ts";

/** Options for {@linkcode Embedding}. */
export interface EmbeddingOptions {
  /** The number of tokens. */
  vocabularySize: number;
  /** Features of each token. */
  outputSize: number;
  /**
   * A token whose features are 0 and stay 0, such as padding.
   *
   * @default {none}
   */
  paddingIndex?: number;
  /**
   * Draws the initial weights; pass a seeded one for reproducible weights.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/**
 * Learned features for tokens: y = E[x, ·]. E is initialized from a normal distribution with mean 0 and standard deviation 1,
 * as in PyTorch.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Embedding } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const layer = new Embedding({ vocabularySize: 10, outputSize: 4, paddingIndex: 0 });
 * const y = layer.forward(tensor([[1, 0, 0]], { dtype: "i32" }));
 * assert.deepEqual(y.shape, [1, 3, 4]);
 * assert.deepEqual([...y.data.subarray(4)], [0, 0, 0, 0, 0, 0, 0, 0]);
 * ```
 */
export class Embedding implements Layer {
  /** E, [vocabularySize, outputSize]. */
  readonly weight: Parameter;
  /** The token whose features stay 0, if any. */
  readonly paddingIndex: number | undefined;

  /**
   * Creates the layer and initializes its weights.
   *
   * @throws {RangeError} If a size is not a positive integer, or the padding index is not a token.
   */
  constructor(options: EmbeddingOptions) {
    const { vocabularySize, outputSize, paddingIndex, random = Random.arbitrary() } = options;
    checkCounts("make Embedding", { vocabularySize, outputSize });
    if (
      paddingIndex !== undefined &&
      !(Number.isInteger(paddingIndex) && paddingIndex >= 0 && paddingIndex < vocabularySize)
    ) {
      throw new RangeError(
        `Cannot make Embedding: paddingIndex must be from 0 to ${vocabularySize - 1}, got ${describe(paddingIndex)}`,
      );
    }
    this.paddingIndex = paddingIndex;
    this.weight = new Parameter([vocabularySize, outputSize], (data) => {
      for (let i = 0; i < data.length; i++) data[i] = random.normal();
      if (paddingIndex !== undefined) data.fill(0, paddingIndex * outputSize, (paddingIndex + 1) * outputSize);
    });
  }

  /** `weight`. */
  parameters(): NamedParameters {
    return { weight: this.weight };
  }

  /**
   * Looks up the features of tokens.
   *
   * @param x Tokens of any shape.
   * @returns [...x, outputSize].
   * @throws {TypeError} If x does not hold integers.
   * @throws {RangeError} If an element is not a token.
   */
  forward(x: Tensor<"i32">): Tensor {
    if (x.dtype !== "i32") throw new TypeError(`Cannot run Embedding: x must hold integers (i32), got ${x.dtype}`);
    return gather(this.weight, x, this.paddingIndex === undefined ? {} : { frozenRow: this.paddingIndex });
  }

  /** `vocabularySize`, `outputSize` and, if there is one, `paddingIndex`. */
  architecture(): LayerArchitecture {
    const [vocabularySize, outputSize] = this.weight.shape;
    const { paddingIndex } = this;
    return architectureFor(this, Embedding, { type: "Embedding", vocabularySize, outputSize, paddingIndex });
  }
}
