import type { Gemm } from "./gemm.ts";
import { memory } from "./memory.ts";

/** `cblas_sgemm` with every pointer and number as plain numbers. */
export type Sgemm = (
  order: number,
  transposeA: number,
  transposeB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  lda: number,
  b: number,
  ldb: number,
  beta: number,
  c: number,
  ldc: number,
) => void;

/** A BLAS that products can be handed to. */
export interface Blas {
  readonly sgemm: Sgemm;
  /** The address of a buffer's first byte. */
  addressOf(buffer: Uint8Array<ArrayBuffer>): number;
  /** Called when it becomes the one in use: libraries have settings for the whole process. */
  activate(): void;
}

/**
 * Below so many multiplications m·n·k the WebAssembly kernels are faster than the way to the library and back: measured,
 * 24³ takes as long by either. So they are for a single row of any size.
 */
const LEAST_PRODUCT = 16_384;

const [ROW_MAJOR, AS_STORED, TRANSPOSED] = [101, 111, 112] as const;

/** Those that were asked for and not yet disposed of; the last one is in use. */
const stack: Blas[] = [];
let active: Blas | undefined;
/** Address of the memory's first byte, and the buffer that it was asked of: a memory that grows may move. */
let base = 0;
let buffer: ArrayBuffer | undefined;

/** Hands products to a BLAS from now on. */
export function addBlas(blas: Blas): void {
  stack.push(blas);
  activateLast();
}

/** Goes back to the one before, or to the WebAssembly kernels; returns whether it was there at all. */
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
  buffer = undefined;
}

/** The BLAS in use. */
export function activeBlas(): Blas | undefined {
  return active;
}

/** Whether a product is one for the BLAS. */
export function servesProduct(m: number, n: number, k: number): boolean {
  return active !== undefined && m > 1 && m * n * k >= LEAST_PRODUCT;
}

/** {@linkcode gemm} by the active BLAS, on the same memory. */
export function blasGemm({ m, a, aStride, aTransposed = false, b, c, cStride, accumulate = false }: Gemm): void {
  const { sgemm, addressOf } = active!;
  if (memory.buffer !== buffer) {
    buffer = memory.buffer as ArrayBuffer;
    base = addressOf(new Uint8Array(buffer));
  }
  const { k, n, offset, stride, transposed = false } = b.straight();
  sgemm(
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
