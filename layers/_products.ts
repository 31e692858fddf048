import { gemm, type RightOperand, rightOperand } from "@unfold/core/kernels";
import type { Frame } from "./cell.ts";

/** Some columns of the recurrent weight, from one gate to another. */
interface Gates {
  readonly from: number;
  readonly to: number;
  /** Of how many. */
  readonly of: number;
}

/** W, the columns of some gates, as the right operand of a product with states. */
export function recurrentOperand(
  { hidden, recurrentWeight, batch, time }: Frame,
  { from, to, of }: Gates,
): RightOperand {
  const offset = recurrentWeight + 4 * from * hidden;
  return rightOperand({ k: hidden, n: (to - from) * hidden, offset, stride: of * hidden }, { rows: batch * time });
}

/** Wᵀ, the rows of some gates, as the right operand of a product with gradients of gates. */
export function transposedOperand({ hidden, recurrentWeight }: Frame, { from, to, of }: Gates): RightOperand {
  const offset = recurrentWeight + 4 * from * hidden;
  return rightOperand({ k: (to - from) * hidden, n: hidden, offset, stride: of * hidden, transposed: true });
}

/** ∂loss/∂W of some gates: statesᵀ·gradients over all time steps, gradients [time·batch, of·hidden] from its first column on. */
export function recurrentWeightGradient(
  { hidden, batch, time }: Frame,
  { from, to, of }: Gates,
  states: number,
  gradients: number,
  target: number,
): void {
  const n = (to - from) * hidden;
  const stride = of * hidden;
  const b = rightOperand({ k: time * batch, n, offset: gradients + 4 * from * hidden, stride }, { rows: hidden });
  gemm({ m: hidden, a: states, aStride: hidden, aTransposed: true, b, c: target + 4 * from * hidden, cStride: stride });
}
