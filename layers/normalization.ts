import { defineOp, empty, formatShape, type NamedParameters, Parameter, type Tensor, zeros } from "@unfold/core";
import { sumRows } from "@unfold/core/kernels";
import { checkCounts, describe } from "@unfold/core/support";
import { architectureFor } from "./_architecture.ts";
import { kernels } from "./_kernels.ts";
import { constant } from "./initializers.ts";
import type { Layer, LayerArchitecture } from "./layer.ts";
import type { Gates } from "./recurrent/_layout.ts";

/** What is normalized: rows of blocks of gates, `hidden` columns per gate. */
interface NormalizationShape {
  readonly rows: number;
  readonly hidden: number;
  readonly blocks: readonly Gates[];
  /**
   * Added to the variance.
   *
   * @default {1e-5}
   */
  readonly eps?: number;
}

/** The byte offset of a table's first row, and the bytes from one row to the next. */
interface Rows {
  readonly offset: number;
  readonly stride: number;
}

/** A range of rows. */
interface Portion {
  readonly row: number;
  readonly rows: number;
}

/**
 * Layer normalization of a table [rows, gates·hidden], separately for each block of gates. Rows can be processed in any
 * portions. Saves what the backward pass needs.
 */
export class Normalization {
  readonly #hidden: number;
  readonly #eps: number;
  readonly #blocks: readonly Gates[];
  readonly #gain: Tensor;
  readonly #normals: Tensor;
  readonly #scales: Tensor;
  readonly #zeros: Tensor;

  /** @param gain [all gates·hidden]; the blocks may cover only some of the gates. */
  constructor({ rows, hidden, blocks, eps = 1e-5 }: NormalizationShape, gain: Tensor) {
    this.#eps = eps;
    this.#hidden = hidden;
    this.#blocks = blocks;
    this.#gain = gain;
    this.#normals = empty([rows, (blocks.at(-1)!.to - blocks[0]!.from) * hidden]);
    this.#scales = empty([blocks.length, rows]);
    this.#zeros = zeros([this.#normals.shape[1]!]);
  }

  /** The offset of a row's saved normalized values; x may be there too. */
  at(row: number): number {
    return this.#normals.offset + row * this.#stride;
  }

  /** y = gain·x̂ + bias. The rows of x are contiguous; y may be x or the bias. */
  forward(portion: Portion, x: number, y: Rows, bias: Rows = { offset: this.#zeros.offset, stride: 0 }): void {
    this.#blocks.forEach((_, i) => {
      const { n, at, gain, normal, scales } = this.#block(i, portion.row);
      const target = [y.offset + at, y.stride, normal, scales] as const;
      const stride = this.#stride;
      kernels.layerNormForward(
        x + at,
        stride,
        gain,
        bias.offset + at,
        bias.stride,
        ...target,
        portion.rows,
        n,
        this.#eps,
      );
    });
  }

  /** Writes ∂loss/∂x, whose rows are contiguous and which may be dy, and adds to ∂loss/∂gain. */
  backward(portion: Portion, dy: Rows, dx: number, dGain: Tensor): void {
    this.#blocks.forEach(({ from }, i) => {
      const { n, at, gain, normal, scales } = this.#block(i, portion.row);
      const target = [dx + at, this.#stride, dGain.offset + 4 * from * this.#hidden] as const;
      kernels.layerNormBackward(dy.offset + at, dy.stride, gain, normal, scales, ...target, portion.rows, n);
    });
  }

  get #stride(): number {
    return 4 * this.#normals.shape[1]!;
  }

  /** The columns of a block, and the offsets of its gain and of the values saved from a row on. */
  #block(index: number, row: number) {
    const { from, to } = this.#blocks[index]!;
    const at = 4 * (from - this.#blocks[0]!.from) * this.#hidden;
    return {
      n: (to - from) * this.#hidden,
      at,
      gain: this.#gain.offset + 4 * from * this.#hidden,
      normal: this.at(row) + at,
      scales: this.#scales.offset + 4 * (index * this.#scales.shape[1]! + row),
    };
  }
}

/** The op of {@linkcode LayerNorm}: x, weight, bias and ε. */
export const layerNorm: (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => Tensor = defineOp(
  "LayerNorm",
  (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => {
    const n = weight.size;
    const rows = x.size / n;
    const all = { row: 0, rows };
    const stride = 4 * n;
    const y = empty(x.shape);
    // A single gate as wide as a row.
    const norm = new Normalization({ rows, hidden: n, blocks: [{ from: 0, to: 1 }], eps }, weight);
    norm.forward(all, x.offset, { offset: y.offset, stride }, { offset: bias.offset, stride: 0 });
    return {
      inputs: [x, weight, bias],
      output: y,
      backward: (dy) => {
        const [dx, dWeight, dBias] = [empty(x.shape), zeros(weight.shape), zeros(bias.shape)];
        norm.backward(all, { offset: dy.offset, stride }, dx.offset, dWeight);
        sumRows(dy.offset, dBias.offset, rows, n);
        return [dx, dWeight, dBias];
      },
    };
  },
);

/** Options for {@linkcode LayerNorm}. */
export interface LayerNormOptions {
  /** Features of the input and the output. */
  size: number;
  /**
   * ε, added to the variance so that it is never 0.
   *
   * @default {1e-5}
   */
  eps?: number;
}

/**
 * Layer normalization over the last axis: y = g ⊙ (x − mean)/√(variance + ε) + b (Ba et al., 2016). g is initialized to 1, b
 * to 0.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { LayerNorm } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const [low, high] = new LayerNorm({ size: 2 }).forward(tensor([[1, 3]])).data;
 * assert.ok(Math.abs(low! + 1) < 1e-4 && Math.abs(high! - 1) < 1e-4);
 * ```
 */
export class LayerNorm implements Layer {
  /** g, [size]. */
  readonly weight: Parameter;
  /** b, [size]. */
  readonly bias: Parameter;
  /** ε. */
  readonly eps: number;

  /**
   * Creates the layer.
   *
   * @throws {RangeError} If the size is not a positive integer, or ε is not a positive number.
   */
  constructor({ size, eps = 1e-5 }: LayerNormOptions) {
    checkCounts("make LayerNorm", { size });
    if (!(eps > 0 && eps < Infinity)) {
      throw new RangeError(`Cannot make LayerNorm: eps must be above 0, got ${describe(eps)}`);
    }
    this.weight = new Parameter([size], constant(1));
    this.bias = new Parameter([size]);
    this.eps = eps;
  }

  /** `weight` and `bias`. */
  parameters(): NamedParameters {
    return { weight: this.weight, bias: this.bias };
  }

  /**
   * Normalizes each row.
   *
   * @param x [..., size].
   * @throws {TypeError} If the last axis of x does not have length size.
   */
  forward(x: Tensor): Tensor {
    if (x.shape.at(-1) !== this.weight.size) {
      throw new TypeError(
        `Cannot run LayerNorm: x must have shape [..., size = ${this.weight.size}], got ${formatShape(x.shape)}`,
      );
    }
    return layerNorm(x, this.weight, this.bias, this.eps);
  }

  /** `size` and `eps`. */
  architecture(): LayerArchitecture {
    return architectureFor(this, LayerNorm, { type: "LayerNorm", size: this.weight.size, eps: this.eps });
  }
}
