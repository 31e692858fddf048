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
  tanh: UnaryKernel;
  sigmoid: UnaryKernel;
  tanhGradient: GradientKernel;
  sigmoidGradient: GradientKernel;
  add: BinaryKernel;
  subtract: BinaryKernel;
  multiply: BinaryKernel;
  affine(x: number, y: number, n: number, factor: number, offset: number): void;
  sum(x: number, n: number): number;
  sumOfSquares(x: number, n: number): number;
  sumInto(x: number, y: number, outer: number, inner: number, yOuter: number, yInner: number): void;
  copyRows(x: number, xStride: number, y: number, yStride: number, rows: number, bytes: number): void;
  swapAxes(x: number, y: number, first: number, second: number, bytes: number): void;
  repeatRow(x: number, y: number, rows: number, bytes: number): void;
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
  pack(k: number, n: number, b: number, ldb: number, transposed: boolean, panels: number): void;
}

/** The kernels of this module, in the best build that the engine runs. */
export const kernels: CoreKernels = loadKernels<CoreKernels>({ relaxed, plain });
