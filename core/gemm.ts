import type { Sgemm } from "./blas_library.ts";
import { kernels } from "./core_kernels.ts";
import { Block, memory } from "./memory.ts";
import { scope, scratch } from "./scope.ts";
import { currentThread, hasIdleThreads, inShares, isWorthSplitting, recordSgemm, setThreadsBlas } from "./threads.ts";

/** Rows of the right operand in one packed block, as in `kernels/matmul.ts`. */
const BLOCK_K = 256;
/** Rows of the left operand in one packed block. */
const BLOCK_M = 96;
/** Up to this many left rows, packing the right operand costs more than it saves. */
const IN_PLACE_ROWS = 12;
/** From this many left rows on, a transposed copy saves a BLAS more than the copy costs. */
const STRAIGHT_ROWS = 512;

/**
 * Products of more rows than this are summed in parts. The kernel adds one block of 256 rows after the other in f32, and over a
 * million rows that alone costs two digits; parts are added once each.
 */
const LONG_K = 16_384;

/** The least multiplications m·n·k that are worth a thread: about 50 microseconds. */
const LEAST_SHARE = 1 << 20;
/** The same for a BLAS, which is faster. */
const LEAST_BLAS_SHARE = 1 << 21;

/** For each thread, room for a packed block of the left operand. */
const strips: Block[] = [];

/** The room of the thread that the next kernels run on. */
function stripsHere(): number {
  return (strips[currentThread()] ??= new Block(4 * BLOCK_M * BLOCK_K, "packed matrices")).offset;
}

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

/** A matrix prepared as the right operand of products. */
export interface RightOperand {
  /** The matrix. */
  readonly matrix: RightMatrix;
  /** The byte offset of its panels, or 0 if it is used in place. The first call packs them. */
  panels(): number;
  /** The matrix in the layout that suits a BLAS: for many rows, the first call transposes it once for all products. */
  straight(): RightMatrix;
  /** What computes all products with it, if {@linkcode packFor} has decided that. */
  isForBlas?: boolean;
}

/** Options for {@linkcode rightOperand}. */
export interface RightOperandOptions {
  /**
   * How many left rows it will be multiplied with. For a few, packing costs more than it saves.
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
   * Whether to add the product to C instead of replacing it.
   *
   * @default {false}
   */
  accumulate?: boolean;
}

/**
 * Prepares a matrix as the right operand of products: on first use it is packed into scratch memory of the innermost scope,
 * so that several products share the work. The WebAssembly kernels read it in panels of eight columns.
 *
 * @param matrix The matrix B, [k, n].
 * @returns The operand, valid while the scope is open and the matrix does not change.
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

/**
 * Prepares a right operand for products with m rows, or with parts of them, which otherwise the first of them does: needed before
 * products in {@linkcode inShares}, because a share cannot wait for another one.
 */
export function packFor(m: number, b: RightOperand): void {
  const { n, k } = b.matrix;
  b.isForBlas = servesProduct(m, n, k);
  prepare(b);
}

function prepare(b: RightOperand): void {
  if (b.isForBlas) b.straight();
  else b.panels();
}

/** C = A·B, or C += A·B, on raw memory. Nothing is checked; that is up to the caller. */
export function gemm(product: Gemm): void {
  if (!hasIdleThreads()) return multiply(product);
  const { m, b: { matrix: { k, n } } } = product;
  const isForBlas = isOnBlas(product);
  const least = isForBlas ? LEAST_BLAS_SHARE : LEAST_SHARE;
  const columns = { least: Math.max(8, least / (m * k)), multiple: 32 };
  const rows = { least: Math.max(4, least / (n * k)), multiple: 4 };
  // Gradients of weights: each thread packs its own columns of B.
  const isInColumns = k > m && n > m / 4 && isWorthSplitting(n, columns);
  if (!isInColumns && !isWorthSplitting(m, rows)) return multiply(product);
  const shared = { ...product, b: { ...product.b, isForBlas } };
  if (isInColumns) return inShares(n, columns, (from, to) => multiply(columnsOf(shared, from, to)));
  prepare(shared.b);
  inShares(m, rows, (from, to) => multiply(rowsOf(shared, from, to)));
}

/** The rows of a product from the first number to before the second. */
function rowsOf(product: Gemm, from: number, to: number): Gemm {
  const { a, aStride, aTransposed = false, c, cStride } = product;
  return { ...product, m: to - from, a: a + 4 * from * (aTransposed ? 1 : aStride), c: c + 4 * from * cStride };
}

/** The columns of a product in the same way, with a right operand of their own. */
function columnsOf(product: Gemm, from: number, to: number): Gemm {
  const { m, b: { matrix, isForBlas = false }, c } = product;
  const offset = matrix.offset + 4 * from * (matrix.transposed ? matrix.stride : 1);
  const own = rightOperand({ ...matrix, n: to - from, offset }, { rows: m });
  return { ...product, b: { ...own, isForBlas }, c: c + 4 * from };
}

/** Whether the active BLAS computes a product. */
function isOnBlas({ m, b: { matrix: { k, n }, isForBlas } }: Gemm): boolean {
  return active !== undefined && (isForBlas ?? servesProduct(m, n, k));
}

/** A product on one thread. */
function multiply(product: Gemm): void {
  if (isOnBlas(product)) return blasGemm(product);
  const { m, b: { matrix: { k, n } } } = product;
  if (k > LONG_K && m > 0 && n > 0) return multiplyInParts(product);
  multiplyPart(product, 0, k);
}

/** The product of a range of the k rows of B with the same columns of A. */
function multiplyPart(product: Gemm, from: number, k: number): void {
  const { m, a, aStride, aTransposed = false, b, c, cStride, accumulate = false } = product;
  const { n, offset, stride } = b.matrix;
  const panels = b.panels();
  const packed = panels !== 0;
  const row = packed ? 32 : 4 * stride;
  const block = packed ? 4 * BLOCK_K * paddedColumns(n) : BLOCK_K * row;
  kernels.gemm(
    m,
    n,
    k,
    a + 4 * from * (aTransposed ? aStride : 1),
    4 * aStride,
    aTransposed,
    (packed ? panels : offset) + from / BLOCK_K * block,
    row,
    packed ? 0 : 32,
    block,
    packed,
    c,
    4 * cStride,
    accumulate,
    stripsHere(),
  );
}

/** A BLAS that can compute products. */
export interface Blas {
  /** Where the library is, for other threads. */
  readonly path: string;
  readonly sgemm: Sgemm;
  /** The address of a buffer's first byte. */
  addressOf(buffer: Uint8Array<ArrayBuffer>): number;
  /** Called when this BLAS becomes the active one: libraries keep settings for the whole process. */
  activate(): void;
}

/**
 * Below this many multiplications m·n·k the WebAssembly kernels beat the call to the library: 24³ takes equally long either
 * way. They also win for a single row of any size.
 */
const LEAST_PRODUCT = 16_384;

const [ROW_MAJOR, AS_STORED, TRANSPOSED] = [101, 111, 112] as const;

/** The BLAS libraries in use; the last one computes the products. */
const stack: Blas[] = [];
let active: Blas | undefined;
/** Address of the memory's first byte, and the buffer it belongs to: the memory may move when it grows. */
let base = 0;
let buffer: ArrayBuffer | undefined;

/** Makes a BLAS the active one. */
export function addBlas(blas: Blas): void {
  stack.push(blas);
  activateLast();
}

/** Removes a BLAS, which makes the one before it active, or else the WebAssembly kernels. Returns whether it was in use. */
export function removeBlas(blas: Blas): boolean {
  const at = stack.indexOf(blas);
  if (at < 0) return false;
  stack.splice(at, 1);
  activateLast();
  return true;
}

function activateLast(): void {
  active = stack.at(-1);
  active?.activate();
  setThreadsBlas(active?.path);
  buffer = undefined;
}

/** The active BLAS, if any. */
export function activeBlas(): Blas | undefined {
  return active;
}

/** Whether the active BLAS should compute this product. */
function servesProduct(m: number, n: number, k: number): boolean {
  return active !== undefined && m > 1 && m * n * k >= LEAST_PRODUCT;
}

/** {@linkcode gemm} on the active BLAS, on the same memory. */
function blasGemm({ m, a, aStride, aTransposed = false, b, c, cStride, accumulate = false }: Gemm): void {
  const { sgemm, addressOf } = active!;
  const call = currentThread() === 0 ? sgemm : recordSgemm;
  if (memory.buffer !== buffer) {
    buffer = memory.buffer as ArrayBuffer;
    base = addressOf(new Uint8Array(buffer));
  }
  const { k, n, offset, stride, transposed = false } = b.straight();
  call(
    ROW_MAJOR,
    aTransposed ? TRANSPOSED : AS_STORED,
    transposed ? TRANSPOSED : AS_STORED,
    m,
    n,
    k,
    1,
    base + a,
    aStride,
    base + offset,
    stride,
    accumulate ? 1 : 0,
    base + c,
    cStride,
  );
}

function multiplyInParts(product: Gemm): void {
  const { m, b: { matrix: { k, n } }, c, cStride } = product;
  // Packed before the scope that the parts need.
  product.b.panels();
  using _ = scope();
  const part = scratch(4 * m * n);
  for (let from = 0; from < k; from += LONG_K) {
    const rows = Math.min(LONG_K, k - from);
    if (from === 0) {
      multiplyPart(product, 0, rows);
      continue;
    }
    multiplyPart({ ...product, c: part, cStride: n, accumulate: false }, from, rows);
    for (let row = 0; row < m; row++) {
      const at = c + 4 * row * cStride;
      kernels.add(at, part + 4 * row * n, at, 1, n, 0, 4, 0, 4);
    }
  }
}
