import {
  add,
  defineOp,
  empty,
  formatShape,
  matmul,
  type NamedParameters,
  Parameter,
  Random,
  reshape,
  scope,
  type Tensor,
  zeros,
} from "@unfold/core";
import { coreKernels, gemm, rightOperand, sumRows } from "@unfold/core/kernels";
import { checkCounts } from "@unfold/core/support";
import { architectureFor, describer } from "./_architecture.ts";
import type { Embedding } from "./embedding.ts";
import { glorotUniform, type Initializer } from "./initializers.ts";
import type { DescribeLayer, Layer, LayerArchitecture } from "./layer.ts";

/** Options for {@linkcode Dense}. */
export interface DenseOptions {
  /** Features of the input. */
  inputSize: number;
  /** Features of the output. */
  outputSize: number;
  /**
   * Whether to add a bias.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * Initializes V.
   *
   * @default {glorotUniform}
   */
  initializer?: Initializer;
  /**
   * Draws the initial weights; pass a seeded one for reproducible weights.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

const dense = defineOp("Dense", (x: Tensor, weight: Tensor, bias: Tensor | undefined) => {
  const [k, n] = weight.shape as [number, number];
  const m = x.size / k;
  const y = empty(x.shape.with(-1, n));
  {
    using _ = scope();
    if (bias !== undefined) coreKernels.copyRows(bias.offset, 0, y.offset, 4 * n, m, 4 * n);
    const b = rightOperand({ k, n, offset: weight.offset, stride: n }, { rows: m });
    gemm({ m, a: x.offset, aStride: k, b, c: y.offset, cStride: n, accumulate: bias !== undefined });
  }
  return {
    inputs: bias === undefined ? [x, weight] : [x, weight, bias],
    output: y,
    backward: (dy) => {
      const dx = x.requiresGrad ? empty(x.shape) : undefined;
      const dWeight = empty(weight.shape);
      const dBias = bias === undefined ? undefined : zeros(bias.shape);
      using _ = scope();
      if (dx !== undefined) {
        const b = rightOperand({ k: n, n: k, offset: weight.offset, stride: n, transposed: true }, { rows: m });
        gemm({ m, a: dy.offset, aStride: n, b, c: dx.offset, cStride: k });
      }
      const b = rightOperand({ k: m, n, offset: dy.offset, stride: n }, { rows: k });
      gemm({ m: k, a: x.offset, aStride: k, aTransposed: true, b, c: dWeight.offset, cStride: n });
      if (dBias !== undefined) sumRows(dy.offset, dBias.offset, m, n);
      return bias === undefined ? [dx, dWeight] : [dx, dWeight, dBias];
    },
  };
});

/**
 * A fully connected layer: y = x·V + b, over the last axis of x. V is initialized by {@linkcode glorotUniform}, b to 0.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const layer = new Dense({ inputSize: 2, outputSize: 1 });
 * layer.weight.data.set([1, 10]);
 * assert.deepEqual(layer.forward(tensor([[1, 2], [3, 4]])).toArray(), [[21], [43]]);
 * ```
 */
export class Dense implements Layer {
  /** V, [inputSize, outputSize]. */
  readonly weight: Parameter;
  /** b, [outputSize], if the layer has a bias. */
  readonly bias: Parameter | undefined;

  /**
   * Creates the layer and initializes its weights.
   *
   * @throws {RangeError} If a size is not a positive integer.
   */
  constructor(options: DenseOptions) {
    const { inputSize, outputSize, bias = true, random = Random.arbitrary() } = options;
    checkCounts("make Dense", { inputSize, outputSize });
    this.weight = new Parameter([inputSize, outputSize], options.initializer ?? glorotUniform(random));
    this.bias = bias ? new Parameter([outputSize]) : undefined;
  }

  /** `weight` and, if the layer has one, `bias`. */
  parameters(): NamedParameters {
    return this.bias === undefined ? { weight: this.weight } : { weight: this.weight, bias: this.bias };
  }

  /**
   * y = x·V + b.
   *
   * @param x [..., inputSize].
   * @returns [..., outputSize].
   * @throws {TypeError} If the last axis of x does not have length inputSize.
   */
  forward(x: Tensor): Tensor {
    checkInput("Dense", x, this.weight.shape[0]!);
    return dense(x, this.weight, this.bias);
  }

  /** `inputSize`, `outputSize` and `bias`. */
  architecture(): LayerArchitecture {
    const [inputSize, outputSize] = this.weight.shape;
    return architectureFor(this, Dense, { type: "Dense", inputSize, outputSize, bias: this.bias !== undefined });
  }
}

function checkInput(name: string, x: Tensor, inputSize: number): void {
  if (x.dtype !== "f32") throw new TypeError(`Cannot run ${name}: x must hold floats (f32), got ${x.dtype}`);
  if (x.shape.at(-1) === inputSize) return;
  throw new TypeError(
    `Cannot run ${name}: x must have shape [..., inputSize = ${inputSize}], got ${formatShape(x.shape)}`,
  );
}

/** Options for {@linkcode TiedDense}. */
export interface TiedDenseOptions {
  /** The embedding whose weights E are shared. Its `outputSize` is the number of features of x. */
  embedding: Embedding;
  /**
   * Whether to add a bias.
   *
   * @default {true}
   */
  bias?: boolean;
}

/**
 * An output layer that shares the weights E of an {@linkcode Embedding}: y = x·Eᵀ + b, one logit per token (Press and Wolf,
 * 2017). E is one parameter: both layers train it, and a {@linkcode Sequential} counts and saves it once.
 *
 * An embedding's initial weights, with standard deviation 1, make large logits. Scale them by 1/√outputSize, as in the example.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Embedding, GRU, Sequential, TiedDense } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const embedding = new Embedding({ vocabularySize: 50, outputSize: 16 });
 * for (let i = 0; i < embedding.weight.size; i++) embedding.weight.data[i]! /= Math.sqrt(16);
 * const model = new Sequential([
 *   embedding,
 *   new GRU({ inputSize: 16, hiddenSize: 16 }),
 *   new TiedDense({ embedding }),
 * ]);
 * assert.deepEqual(model.forward(tensor([[1, 2, 3]], { dtype: "i32" })).shape, [1, 3, 50]);
 * assert.equal(model.parameters()["2.weight"], undefined);
 * ```
 */
export class TiedDense implements Layer {
  /** The embedding. */
  readonly embedding: Embedding;
  /** b, [vocabularySize], if the layer has a bias. */
  readonly bias: Parameter | undefined;

  /** Creates the layer. */
  constructor({ embedding, bias = true }: TiedDenseOptions) {
    this.embedding = embedding;
    this.bias = bias ? new Parameter([embedding.weight.shape[0]!]) : undefined;
  }

  /** E, [vocabularySize, outputSize]: the weight of the embedding. */
  get weight(): Parameter {
    return this.embedding.weight;
  }

  /** `weight`, which is the embedding's, and, if the layer has one, `bias`. */
  parameters(): NamedParameters {
    return this.bias === undefined ? { weight: this.weight } : { weight: this.weight, bias: this.bias };
  }

  /**
   * y = x·Eᵀ + b.
   *
   * @param x [..., outputSize of the embedding].
   * @returns [..., vocabularySize].
   * @throws {TypeError} If the last axis of x does not have the length of a row of E.
   */
  forward(x: Tensor): Tensor {
    const [vocabularySize, inputSize] = this.weight.shape as [number, number];
    checkInput("TiedDense", x, inputSize);
    const logits = matmul(reshape(x, [x.size / inputSize, inputSize]), this.weight, { transposeB: true });
    const shifted = this.bias === undefined ? logits : add(logits, this.bias);
    return reshape(shifted, x.shape.with(-1, vocabularySize));
  }

  /** `embedding` and `bias`. */
  architecture(describe: DescribeLayer = describer()): LayerArchitecture {
    const embedding = describe(this.embedding);
    return architectureFor(this, TiedDense, { type: "TiedDense", embedding, bias: this.bias !== undefined });
  }
}
