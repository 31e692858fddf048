// Matrix product C = A·B or C += A·B, blocked over K and M, in register tiles (`tiles.ts`, written by the kernel build).
// The left operand is packed block by block into strips of four rows. The right operand comes in panels of 8 columns, packed
// beforehand or read in place.

import { transpose4 } from "./copy";
import { multiplyBlock } from "./tiles";

/** Rows of B per block: a panel of 8 columns then takes 8 KiB and stays in the L1 cache. */
const BLOCK_K = 256;
/** Rows of A per block: with BLOCK_K columns it takes 96 KiB and stays in the L2 cache. */
const BLOCK_M = 96;

/** C is [m, n] with row stride ldc. A is [m, k] with row stride lda, or [k, m] when transposed. All strides in bytes.
 * B's element (k, 8p + j) is at b + (k div BLOCK_K)·bBlock + p·bPanel + (k mod BLOCK_K)·bRow + 4j.
 * `strips` has room for BLOCK_M·BLOCK_K floats. */
export function gemm(
  m: i32, n: i32, k: i32, a: usize, lda: usize, transposed: bool,
  b: usize, bRow: usize, bPanel: usize, bBlock: usize, packed: bool,
  c: usize, ldc: usize, accumulate: bool, strips: usize,
): void {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!accumulate) for (let i = 0; i < m; i++) memory.fill(c + i * ldc, 0, <usize>n << 2);
    return;
  }
  for (let k0 = 0; k0 < k; k0 += BLOCK_K, b += bBlock) {
    const kc = min(BLOCK_K, k - k0);
    // In a packed block, panels are as high as the block, also in the last one.
    const panel = packed ? <usize>kc << 5 : bPanel;
    const add = accumulate || k0 > 0;
    for (let m0 = 0; m0 < m; m0 += BLOCK_M) {
      const mc = min(BLOCK_M, m - m0);
      let left = transposed ? a + k0 * lda + (<usize>m0 << 2) : a + m0 * lda + (<usize>k0 << 2);
      // A single row is a strip already.
      if (transposed || mc > 1) {
        packLeft(mc, kc, left, lda, transposed, strips);
        left = strips;
      }
      multiplyBlock(mc, n, kc, left, b, bRow, panel, c + m0 * ldc, ldc, add);
    }
  }
}

/** Packs rows of A into strips: [k, 4] for each four rows, [k, r] for the r rows left. */
function packLeft(m: i32, k: i32, a: usize, lda: usize, transposed: bool, p: usize): void {
  const aRow = transposed ? 4 : lda;
  const aColumn = transposed ? lda : 4;
  for (; m >= 4; m -= 4, a += 4 * aRow) {
    if (transposed) {
      for (let i = 0, from = a; i < k; i++, from += lda, p += 16) v128.store(p, v128.load(from));
    } else {
      let i = 0, from = a;
      for (; i + 4 <= k; i += 4, from += 16, p += 64) transpose4(from, lda, p, 16);
      for (; i < k; i++, from += 4) for (let r = 0; r < 4; r++, p += 4) store<f32>(p, load<f32>(from + r * lda));
    }
  }
  for (let i = 0; i < k; i++, a += aColumn) for (let r = 0; r < m; r++, p += 4) store<f32>(p, load<f32>(a + r * aRow));
}

/** Packs B, [k, n] with row stride ldb or [n, k] when transposed, into panels: ceil(n/8)·8·k floats at p. */
export function pack(k: i32, n: i32, b: usize, ldb: usize, transposed: bool, p: usize): void {
  for (let k0 = 0; k0 < k; k0 += BLOCK_K) {
    const kc = min(BLOCK_K, k - k0);
    for (let j = 0; j < n; j += 8) {
      const columns = min(8, n - j);
      if (transposed) packTransposed(kc, columns, b + j * ldb + (<usize>k0 << 2), ldb, p);
      else packRows(kc, columns, b + k0 * ldb + (<usize>j << 2), ldb, p);
      p += <usize>kc << 5;
    }
  }
}

function packRows(k: i32, columns: i32, b: usize, ldb: usize, p: usize): void {
  if (columns == 8) {
    for (let i = 0; i < k; i++, b += ldb, p += 32) {
      v128.store(p, v128.load(b));
      v128.store(p, v128.load(b, 16), 16);
    }
    return;
  }
  for (let i = 0; i < k; i++, b += ldb, p += 32) {
    for (let j = 0; j < 8; j++) store<f32>(p + (<usize>j << 2), j < columns ? load<f32>(b + (<usize>j << 2)) : 0);
  }
}

function packTransposed(k: i32, columns: i32, b: usize, ldb: usize, p: usize): void {
  let i = 0;
  if (columns == 8) {
    for (; i + 4 <= k; i += 4, b += 16, p += 128) {
      transpose4(b, ldb, p, 32);
      transpose4(b + 4 * ldb, ldb, p + 16, 32);
    }
  }
  for (; i < k; i++, b += 4, p += 32) {
    for (let j = 0; j < 8; j++) store<f32>(p + (<usize>j << 2), j < columns ? load<f32>(b + j * ldb) : 0);
  }
}
