import {
  defineOp,
  empty,
  formatShape,
  type NamedParameters,
  Parameter,
  Random,
  scope,
  type Tensor,
  zeros,
} from "@unfold/core";
import { coreKernels, gemm, rightOperand } from "@unfold/core/kernels";
import { checkCounts } from "@unfold/core/support";
import { glorotUniform, type Initializer } from "./initializers.ts";
import type { Layer } from "./layer.ts";

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
      if (dBias !== undefined) coreKernels.sumInto(dy.offset, dBias.offset, m, n, 0, 4);
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
    const inputSize = this.weight.shape[0]!;
    if (x.dtype !== "f32") throw new TypeError(`Cannot run Dense: x must hold floats (f32), got ${x.dtype}`);
    if (x.shape.at(-1) !== inputSize) {
      throw new TypeError(
        `Cannot run Dense: x must have shape [..., inputSize = ${inputSize}], got ${formatShape(x.shape)}`,
      );
    }
    return dense(x, this.weight, this.bias);
  }
}
