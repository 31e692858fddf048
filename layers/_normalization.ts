import { empty, type Tensor, zeros } from "@unfold/core";
import { kernels } from "./_kernels.ts";
import type { Gates } from "./cell.ts";

/** What is normalised: rows of blocks of gates, `hidden` columns each. */
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

/** Offset of a table's first row, and the bytes from one row to the next. */
export interface Rows {
  readonly offset: number;
  readonly stride: number;
}

/** Some of the rows. */
interface Portion {
  readonly row: number;
  readonly rows: number;
}

/**
 * Layer normalisation of a table [rows, gates·hidden] in blocks of gates, each on its own, in whatever portions the rows come.
 * What the backward needs is saved.
 */
export class Normalization {
  readonly #hidden: number;
  readonly #eps: number;
  readonly #blocks: readonly Gates[];
  readonly #gain: Tensor;
  readonly #normals: Tensor;
  readonly #scales: Tensor;
  readonly #zeros: Tensor;

  /** @param gain [all gates·hidden], of which the blocks may be a part. */
  constructor({ rows, hidden, blocks, eps = 1e-5 }: NormalizationShape, gain: Tensor) {
    this.#eps = eps;
    this.#hidden = hidden;
    this.#blocks = blocks;
    this.#gain = gain;
    this.#normals = empty([rows, (blocks.at(-1)!.to - blocks[0]!.from) * hidden]);
    this.#scales = empty([blocks.length, rows]);
    this.#zeros = zeros([this.#normals.shape[1]!]);
  }

  /** Where a row's normalised numbers are saved; x may stand there. */
  at(row: number): number {
    return this.#normals.offset + row * this.#stride;
  }

  /** y = gain·x̂ + bias; x stands without gaps; y may be x or the bias. */
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

  /** Writes ∂loss/∂x, which stands without gaps and may be dy, and adds to ∂loss/∂gain. */
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

  /** A block's columns, and where its gain stands and what is saved from a row on. */
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
