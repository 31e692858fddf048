import { blasGemm, servesProduct } from "./_blas.ts";
import { kernels } from "./_kernels.ts";
import { Block } from "./memory.ts";
import { scratch } from "./scope.ts";

/** Rows of the right operand in one packed block, as in `kernels/matmul.ts`. */
const BLOCK_K = 256;
/** Rows of the left operand in one packed block, as there. */
const BLOCK_M = 96;
/** Up to so many rows on the left, packing the right operand costs more than it saves. */
const IN_PLACE_ROWS = 12;
/** From so many on, a BLAS saves more with a transposed copy than the copy costs. */
const STRAIGHT_ROWS = 512;

/** Room for a packed block of the left operand, used by one product after the other. */
const strips = new Block(4 * BLOCK_M * BLOCK_K, "packed matrices");

/** A matrix B, [k, n], in memory. */
export interface RightMatrix {
  /** Rows. */
  readonly k: number;
  /** Columns. */
  readonly n: number;
  /** Where it starts, in bytes. */
  readonly offset: number;
  /** Elements from one stored row to the next. */
  readonly stride: number;
  /**
   * Whether it is stored as [n, k].
   *
   * @default {false}
   */
  readonly transposed?: boolean;
}

/** A matrix made ready to stand on the right of products. */
export interface RightOperand {
  /** The matrix. */
  readonly matrix: RightMatrix;
  /** Where its panels are, in bytes; 0 where it is used in place. The first call packs them. */
  panels(): number;
  /** The matrix as a BLAS takes it best: what many rows meet is transposed once, by the first call, and not by each product. */
  straight(): RightMatrix;
}

/** Options for {@linkcode rightOperand}. */
export interface RightOperandOptions {
  /**
   * How many left rows it will be multiplied with in all: with few of them it is not worth while to rearrange it.
   *
   * @default {Infinity}
   */
  rows?: number;
}

/** The operands of {@linkcode gemm}: offsets in bytes, strides in elements. */
export interface Gemm {
  /** Rows of A and C. */
  m: number;
  /** A, [m, k]. */
  a: number;
  /** Elements from one stored row of A to the next. */
  aStride: number;
  /**
   * Whether A is stored as [k, m].
   *
   * @default {false}
   */
  aTransposed?: boolean;
  /** B, [k, n]. */
  b: RightOperand;
  /** C, [m, n]. */
  c: number;
  /** Elements from one row of C to the next. */
  cStride: number;
  /**
   * Whether the product is added to C, or replaces it.
   *
   * @default {false}
   */
  accumulate?: boolean;
}

/**
 * Makes a matrix ready to stand on the right of products: rearranges it once, when it is first needed, in scratch memory of
 * the innermost scope, so that several products share the work. The WebAssembly kernels take it in panels of eight columns.
 *
 * @param matrix The matrix B, [k, n].
 * @returns The operand, valid as long as the matrix does not change and the scope is open.
 */
export function rightOperand(matrix: RightMatrix, options: RightOperandOptions = {}): RightOperand {
  const { k, n, offset, stride, transposed = false } = matrix;
  const { rows = Infinity } = options;
  if (!transposed && rows <= IN_PLACE_ROWS) return { matrix, panels: () => 0, straight: () => matrix };
  const room = scratch(4 * k * paddedColumns(n));
  let made: "panels" | "straight" | undefined;
  return {
    matrix,
    panels() {
      if (made !== "panels") kernels.pack(k, n, offset, 4 * stride, transposed, room);
      made = "panels";
      return room;
    },
    straight() {
      if (!transposed || rows < STRAIGHT_ROWS) return matrix;
      if (made !== "straight") kernels.copyStrided(offset, room, k, n, 4, 4 * stride);
      made = "straight";
      return { k, n, offset: room, stride: n };
    },
  };
}

function paddedColumns(n: number): number {
  return Math.ceil(n / 8) * 8;
}

/** C = A·B, or C += A·B, on raw memory. Nothing is checked: the layers and ops above it do. */
export function gemm(product: Gemm): void {
  const { m, a, aStride, aTransposed = false, b, c, cStride, accumulate = false } = product;
  const { k, n, offset, stride } = b.matrix;
  if (servesProduct(m, n, k)) return blasGemm(product);
  const panels = b.panels();
  const packed = panels !== 0;
  const row = packed ? 32 : 4 * stride;
  const block = packed ? 4 * BLOCK_K * paddedColumns(n) : BLOCK_K * row;
  kernels.gemm(
    m,
    n,
    k,
    a,
    4 * aStride,
    aTransposed,
    packed ? panels : offset,
    row,
    packed ? 0 : 32,
    block,
    packed,
    c,
    4 * cStride,
    accumulate,
    strips.offset,
  );
}
