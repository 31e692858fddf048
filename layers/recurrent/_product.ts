import { gemm, rightOperand, scratch } from "@unfold/core/kernels";
import { Normalization } from "../normalization.ts";
import type { CellWeights, Frame, Gates } from "./cell.ts";

/** Where a product is written, and whether it is added to what is there. */
interface Target {
  readonly offset: number;
  readonly accumulate: boolean;
}

/** A recurrent product in one run: step by step forward, then step by step backward. */
interface RecurrentProduct {
  /** Packs W. Each step writes input·W, [batch, gates·hidden] from its first gate on, with the row stride of all gates. */
  forward(): (t: number, input: number, target: Target) => void;
  /** Packs Wᵀ. ∂loss/∂product of all time steps is at `d`, with the row stride of all gates. */
  backward(d: number, gradients: CellWeights): {
    /** Writes ∂loss/∂input of a time step. */
    step(t: number, dInput: Target): void;
    /** Writes ∂loss/∂W. The inputs of all time steps are at `inputs`. */
    finish(inputs: number): void;
  };
}

/**
 * The product of a state with the columns of W for some gates, [batch, hidden] → [batch, gates·hidden], with layer
 * normalization of each block of gates if the layer has it.
 */
export function recurrentProduct(frame: Frame, blocks: readonly Gates[]): RecurrentProduct {
  const { batch, time, hidden, width, weights } = frame;
  const from = 4 * blocks[0]!.from * hidden;
  const n = (blocks.at(-1)!.to - blocks[0]!.from) * hidden;
  const rows = batch * time;
  const stride = 4 * width;
  const gain = weights.recurrentGain;
  const norm = gain && new Normalization({ rows, hidden, blocks }, gain);
  return {
    forward() {
      const w = { k: hidden, n, offset: weights.recurrentWeight.offset + from, stride: width };
      const b = rightOperand(w, { rows });
      return (t, input, { offset, accumulate }) => {
        const product = { m: batch, a: input, aStride: hidden, b };
        if (norm === undefined) return gemm({ ...product, c: offset, cStride: width, accumulate });
        const x = norm.at(t * batch);
        gemm({ ...product, c: x, cStride: n });
        const y = { offset, stride };
        norm.forward({ row: t * batch, rows: batch }, x, y, accumulate ? y : undefined);
      };
    },
    backward(d, gradients) {
      const w = { k: n, n: hidden, offset: weights.recurrentWeight.offset + from, stride: width, transposed: true };
      const b = rightOperand(w, { rows });
      const [dProducts, aStride] = norm === undefined ? [d, width] : [scratch(4 * rows * n), n];
      const at = (t: number) => dProducts + 4 * t * batch * aStride;
      return {
        step(t, { offset, accumulate }) {
          const dy = { offset: d + t * batch * stride, stride };
          norm?.backward({ row: t * batch, rows: batch }, dy, at(t), gradients.recurrentGain!);
          gemm({ m: batch, a: at(t), aStride, b, c: offset, cStride: hidden, accumulate });
        },
        finish(inputs) {
          const right = rightOperand({ k: rows, n, offset: dProducts, stride: aStride }, { rows: hidden });
          const c = gradients.recurrentWeight.offset + from;
          gemm({ m: hidden, a: inputs, aStride: hidden, aTransposed: true, b: right, c, cStride: width });
        },
      };
    },
  };
}
