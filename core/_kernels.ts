import { plain, relaxed } from "./_kernels_wasm.ts";
import { loadKernels } from "./load_kernels.ts";

/** y[i] = f(x[i]) for n elements. */
export type UnaryKernel = (x: number, y: number, n: number) => void;
/** dx[i] from a saved value and dy[i], for n elements. */
export type GradientKernel = (saved: number, dy: number, dx: number, n: number) => void;

/** Strides in bytes; an inner stride is 4, or 0 for a broadcast operand. */
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
  /** y = tanh(x). */
  tanh: UnaryKernel;
  /** y = 1/(1 + e⁻ˣ). */
  sigmoid: UnaryKernel;
  /** From y = tanh(x) and dy. */
  tanhGradient: GradientKernel;
  /** From y = σ(x) and dy. */
  sigmoidGradient: GradientKernel;
  /** y = a + b. */
  add: BinaryKernel;
  /** y = a − b. */
  subtract: BinaryKernel;
  /** y = a·b. */
  multiply: BinaryKernel;
  /** y = factor·x + offset. */
  affine(x: number, y: number, n: number, factor: number, offset: number): void;
  /** Σ x. */
  sum(x: number, n: number): number;
  /** Σ x², in 64-bit floats. */
  sumOfSquares(x: number, n: number): number;
  /** y[o·yOuter + i·yInner] += x[o, i]; strides in bytes, 0 to sum over that axis. */
  sumInto(x: number, y: number, outer: number, inner: number, yOuter: number, yInner: number): void;
  /** Copies rows of `bytes` between two strides. */
  copyRows(x: number, xStride: number, y: number, yStride: number, rows: number, bytes: number): void;
  /** y[j, i, ·] = x[i, j, ·] for rows of `bytes`. */
  swapAxes(x: number, y: number, first: number, second: number, bytes: number): void;
  /** Fills rows of `bytes` with one row. */
  repeatRow(x: number, y: number, rows: number, bytes: number): void;
  /** The matrix product; use `gemm` of this module. */
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
  ): void;
  /** Packs a right operand; use `rightOperand` of this module. */
  pack(k: number, n: number, b: number, ldb: number, transposed: boolean, panels: number): void;
}

/** The kernels of this module, in the best build that the engine runs. */
export const kernels: CoreKernels = loadKernels<CoreKernels>({ relaxed, plain });
