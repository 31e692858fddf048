import type { Tensor } from "@unfold/core";
import { gemm, packFor, rightOperand, scratch } from "@unfold/core/kernels";
import { Normalization } from "../normalization.ts";
import type { Gates } from "./_layout.ts";

/** Some of the sequences of a batch, next to each other. */
export interface Rows {
  /** The index of the first. */
  readonly from: number;
  /** Their number. */
  readonly count: number;
}

/** What a recurrent product multiplies. */
interface ProductOptions {
  readonly batch: number;
  readonly time: number;
  readonly hidden: number;
  readonly heads: number;
  /** W, [hidden, gates·hidden/heads]: a head's rows are its block. */
  readonly weight: Tensor;
  /** The gain of the layer normalization of the products, if any. */
  readonly gain: Tensor | undefined;
  /** Elements from one row of the products to the next. */
  readonly stride: number;
}

/** Where a head's part is, in bytes: in an input, in W and in the products. */
interface HeadPart {
  readonly input: number;
  readonly weight: number;
  readonly product: number;
}

/** A recurrent product in one run: step by step forward, then step by step backward. */
export interface RecurrentProduct {
  /**
   * Packs W. Each step computes input·W of some rows of a time step. `input` is the first row's; the product goes to `offset`, the
   * first row at W's first column, and is added to what is there if `accumulate` says so.
   */
  forward(): (t: number, rows: Rows, input: number, offset: number, accumulate: boolean) => void;
  /** Packs Wᵀ. ∂loss/∂product of all time steps is at `d`, in the layout of the products. */
  backward(d: number): {
    /** Writes or adds ∂loss/∂input of some rows of a time step, the first at `offset`, and adds to ∂loss/∂gain. */
    step(t: number, rows: Rows, offset: number, accumulate: boolean, dGain: Tensor | undefined): void;
    /** Writes ∂loss/∂W. The inputs of all time steps are at `inputs`. */
    finish(inputs: number, dWeight: Tensor): void;
  };
}

/**
 * The product of a state with the columns of W for some gates, [batch, hidden] → [batch, gates·hidden], with layer normalization
 * of each block of gates if there is a gain. With several heads, head after head, and in each the gates side by side.
 *
 * @param blocks The columns of W that it covers, in the blocks that are normalized together.
 */
export function recurrentProduct(options: ProductOptions, blocks: readonly Gates[]): RecurrentProduct {
  const { batch, time, hidden, heads, weight, gain, stride } = options;
  const size = hidden / heads;
  const columns = weight.shape[1]!;
  const from = blocks[0]!.from * size;
  const n = blocks.at(-1)!.to * size - from;
  const rows = batch * time;
  const norm = gain && new Normalization({ rows, hidden, blocks }, gain);
  const parts: HeadPart[] = [];
  for (let head = 0; head < heads; head++) {
    const [input, row] = [4 * head * size, head * size * columns];
    parts.push({ input, weight: 4 * (row + from), product: 4 * (head * columns + from) });
  }
  return {
    forward() {
      const operands = parts.map((part) =>
        rightOperand({ k: size, n, offset: weight.offset + part.weight, stride: columns }, { rows })
      );
      for (const b of operands) packFor(batch, b);
      return (t, { from: first, count: m }, input, offset, accumulate) => {
        if (norm === undefined) {
          for (let head = 0; head < heads; head++) {
            const part = parts[head]!;
            const [a, c] = [input + part.input, offset + part.product];
            gemm({ m, a, aStride: hidden, b: operands[head]!, c, cStride: stride, accumulate });
          }
          return;
        }
        const row = t * batch + first;
        const x = norm.at(row);
        gemm({ m, a: input, aStride: hidden, b: operands[0]!, c: x, cStride: n });
        const y = { offset: offset + 4 * from, stride: 4 * stride };
        norm.forward({ row, rows: m }, x, y, accumulate ? y : undefined);
      };
    },
    backward(d) {
      const operands = parts.map((part) => {
        const w = { k: n, n: size, offset: weight.offset + part.weight, stride: columns, transposed: true };
        return rightOperand(w, { rows });
      });
      for (const b of operands) packFor(batch, b);
      const [dProducts, aStride] = norm === undefined ? [d, stride] : [scratch(4 * rows * n), n];
      /** Where a head's columns start. */
      const columnOf = (head: number) => norm === undefined ? parts[head]!.product : 0;
      return {
        step(t, { from: first, count: m }, offset, accumulate, dGain) {
          const row = t * batch + first;
          const dProduct = dProducts + 4 * row * aStride;
          if (norm !== undefined) {
            const dy = { offset: d + 4 * (row * stride + from), stride: 4 * stride };
            norm.backward({ row, rows: m }, dy, dProduct, dGain!);
          }
          for (let head = 0; head < heads; head++) {
            const [a, c] = [dProduct + columnOf(head), offset + parts[head]!.input];
            gemm({ m, a, aStride, b: operands[head]!, c, cStride: hidden, accumulate });
          }
        },
        finish(inputs, dWeight) {
          parts.forEach((part, head) => {
            const right = { k: rows, n, offset: dProducts + columnOf(head), stride: aStride };
            const b = rightOperand(right, { rows: size });
            const [a, c] = [inputs + part.input, dWeight.offset + part.weight];
            gemm({ m: size, a, aStride: hidden, aTransposed: true, b, c, cStride: columns });
          });
        },
      };
    },
  };
}
