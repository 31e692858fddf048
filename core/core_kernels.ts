import { plain, relaxed } from "./_kernels_wasm.ts";
import { bytesFromText } from "./kernel_text.ts";
import { loadKernels } from "./load_kernels.ts";

/** y[i] = f(x[i]) for n elements. */
export type UnaryKernel = (x: number, y: number, n: number) => void;
/** dx[i] from a saved value and dy[i], for n elements. */
export type GradientKernel = (saved: number, dy: number, dx: number, n: number) => void;

/** y = f(a, b) in two loops. Strides are in bytes; an inner stride is 4, or 0 for a broadcast operand. */
export type BinaryKernel = (
  a: number,
  b: number,
  y: number,
  outer: number,
  inner: number,
  aOuter: number,
  aInner: number,
  bOuter: number,
  bInner: number,
) => void;

/** The exports of `kernels/mod.ts`. Offsets and strides are in bytes, counts in elements. */
export interface CoreKernels {
  /** y = eˣ. */
  exp: UnaryKernel;
  /** y = ln x. */
  log: UnaryKernel;
  /** y = √x. */
  sqrt: UnaryKernel;
  /** y = |x|. */
  abs: UnaryKernel;
  /** y = max(x, 0). */
  relu: UnaryKernel;
  /** y = x·Φ(x). */
  gelu: UnaryKernel;
  /** y = ln(1 + eˣ). */
  softplus: UnaryKernel;
  /** y = tanh(x). */
  tanh: UnaryKernel;
  /** y = 1/(1 + e⁻ˣ). */
  sigmoid: UnaryKernel;
  /** From y = tanh(x) and dy. */
  tanhGradient: GradientKernel;
  /** From y = σ(x) and dy. */
  sigmoidGradient: GradientKernel;
  /** From x and dy. */
  logGradient: GradientKernel;
  /** From y = √x and dy. */
  sqrtGradient: GradientKernel;
  /** From x and dy. */
  absGradient: GradientKernel;
  /** From x and dy. */
  reluGradient: GradientKernel;
  /** From x and dy. */
  geluGradient: GradientKernel;
  /** From x and dy. */
  softplusGradient: GradientKernel;
  /** y = a + b. */
  add: BinaryKernel;
  /** y = a − b. */
  subtract: BinaryKernel;
  /** y = a·b. */
  multiply: BinaryKernel;
  /** y = a/b. */
  divide: BinaryKernel;
  /** y = max(a, b). */
  maximum: BinaryKernel;
  /** y = min(a, b). */
  minimum: BinaryKernel;
  /** y = a > b, 1 or 0 in i32. */
  greater: BinaryKernel;
  /** y = a ≥ b. */
  greaterEqual: BinaryKernel;
  /** y = (a = b). */
  equal: BinaryKernel;
  /** y = a ≠ b. */
  notEqual: BinaryKernel;
  /** y = a > b of integers. */
  greaterInt: BinaryKernel;
  /** y = a ≥ b of integers. */
  greaterEqualInt: BinaryKernel;
  /** y = (a = b) of integers. */
  equalInt: BinaryKernel;
  /** y = a ≠ b of integers. */
  notEqualInt: BinaryKernel;
  /** The share of max(a, b)'s gradient that goes to a: 1, 0, or ½ if they are equal. */
  maximumShare: BinaryKernel;
  /** y = factor·x + offset. */
  affine(x: number, y: number, n: number, factor: number, offset: number): void;
  /** y = x clamped to [low, high]. */
  clamp(x: number, y: number, n: number, low: number, high: number): void;
  /** dx = dy if low ≤ x ≤ high, else 0. */
  clampGradient(x: number, dy: number, dx: number, n: number, low: number, high: number): void;
  /** y = condition ? a : b, with the condition in i32. */
  select(condition: number, a: number, b: number, y: number, n: number): void;
  /** y = softmax of each row. */
  softmax(x: number, y: number, rows: number, n: number): void;
  /** y = log-softmax of each row. */
  logSoftmax(x: number, y: number, rows: number, n: number): void;
  /** From y = softmax(x) and dy. */
  softmaxGradient(y: number, dy: number, dx: number, rows: number, n: number): void;
  /** From y = logSoftmax(x) and dy. */
  logSoftmaxGradient(y: number, dy: number, dx: number, rows: number, n: number): void;
  /** The first position of each row's maximum, in i32. */
  argmaxRows(x: number, indices: number, rows: number, n: number): void;
  /** The same for integers. */
  argmaxRowsInt(x: number, indices: number, rows: number, n: number): void;
  /** Σ x. */
  sum(x: number, n: number): number;
  /** Σ x², in 64-bit floats. */
  sumOfSquares(x: number, n: number): number;
  /** y[o·yOuter + i·yInner] += x[o, i]; strides in bytes, 0 to sum over an axis. */
  sumInto(x: number, y: number, outer: number, inner: number, yOuter: number, yInner: number): void;
  /** Copies rows of `bytes` between two strides; a stride of 0 for x repeats one row. */
  copyRows(x: number, xStride: number, y: number, yStride: number, rows: number, bytes: number): void;
  /** Sets bytes to 0. */
  zero(y: number, bytes: number): void;
  /** y[i] += Σ x[r, i] for rows of `bytes`, `stride` apart; use `sumRows` instead. */
  sumRows(x: number, y: number, rows: number, bytes: number, stride: number): void;
  /** y[j, i, ·] = x[i, j, ·] for rows of `bytes`, with x[i] `stride` apart; use `swapAxes` instead. */
  swapAxes(x: number, y: number, first: number, second: number, stride: number, bytes: number): void;
  /** y[o, i] = x[o·xOuter + i·xInner]; strides in bytes. */
  copyStrided(x: number, y: number, outer: number, inner: number, xOuter: number, xInner: number): void;
  /** The position of the first i32 index outside 0 … bound − 1, or −1. */
  firstOutside(indices: number, count: number, bound: number): number;
  /** y[i, ·] = x[indices[i], ·] for rows of `bytes`. */
  gatherRows(x: number, indices: number, y: number, count: number, bytes: number): void;
  /** y[indices[i], ·] += x[i, ·] for rows of `width` elements. */
  scatterAddRows(x: number, indices: number, y: number, count: number, width: number): void;
  /** 96·rounds multiplications and additions, as fast as the engine can: the peak that kernels are measured against. */
  multiplyAddPeak(rounds: number, factor: number, summand: number): number;
  /** The matrix product; use `gemm` instead. */
  gemm(
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    transposed: boolean,
    b: number,
    bRow: number,
    bPanel: number,
    bBlock: number,
    packed: boolean,
    c: number,
    ldc: number,
    accumulate: boolean,
    strips: number,
  ): void;
  /** Packs a right operand; use `rightOperand` instead. */
  pack(k: number, n: number, b: number, ldb: number, transposed: boolean, panels: number): void;
}

/** The kernels of core, in the best build that the engine runs. */
export const kernels: CoreKernels = loadKernels<CoreKernels>({
  relaxed: bytesFromText(relaxed),
  plain: bytesFromText(plain),
});
