// Moving elements: by rows, strides or indices.

/** Copies rows of `bytes` between two strides in bytes; a stride of 0 for x repeats one row. */
export function copyRows(x: usize, xStride: usize, y: usize, yStride: usize, rows: i32, bytes: usize): void {
  for (let i = 0; i < rows; i++, x += xStride, y += yStride) memory.copy(y, x, bytes);
}

/** Sets bytes to 0. */
export function zero(y: usize, bytes: usize): void {
  memory.fill(y, 0, bytes);
}

/** y[j, i, ·] = x[i, j, ·] for rows of `bytes`; `stride` is from x[0] to x[1], which may have more rows than are copied. */
export function swapAxes(x: usize, y: usize, first: i32, second: i32, stride: usize, bytes: usize): void {
  for (let j = 0; j < second; j++, x += bytes) {
    for (let i = 0, from = x; i < first; i++, from += stride, y += bytes) memory.copy(y, from, bytes);
  }
}

/** y[o, i] = x[o·xOuter + i·xInner] with y contiguous and any strides in bytes: transposition and broadcasting. */
export function copyStrided(x: usize, y: usize, outer: i32, inner: i32, xOuter: usize, xInner: usize): void {
  const bytes = <usize>inner << 2;
  if (xOuter == 4) {
    // A transposition, in 4 × 4 squares: element by element, each would fetch its own cache line.
    for (; outer >= 4; outer -= 4, x += 16, y += 4 * bytes) {
      let i = 0, from = x, to = y;
      for (; i + 4 <= inner; i += 4, from += 4 * xInner, to += 16) transpose4(from, xInner, to, bytes);
      for (; i < inner; i++, from += xInner, to += 4) {
        for (let o: usize = 0; o < 4; o++) store<i32>(to + o * bytes, load<i32>(from + 4 * o));
      }
    }
  }
  for (let o = 0; o < outer; o++, x += xOuter) {
    if (xInner == 4) {
      memory.copy(y, x, bytes);
      y += bytes;
    } else {
      for (let i = 0, from = x; i < inner; i++, from += xInner, y += 4) store<i32>(y, load<i32>(from));
    }
  }
}

/** Transposes four rows of four: rows are read from x with stride ldx, columns are written to p with `stride`. */
@inline
export function transpose4(x: usize, ldx: usize, p: usize, stride: usize): void {
  const r0 = v128.load(x), r1 = v128.load(x + ldx), r2 = v128.load(x + 2 * ldx), r3 = v128.load(x + 3 * ldx);
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(p, v128.shuffle<f64>(t0, t1, 0, 2));
  v128.store(p + stride, v128.shuffle<f64>(t0, t1, 1, 3));
  v128.store(p + 2 * stride, v128.shuffle<f64>(t2, t3, 0, 2));
  v128.store(p + 3 * stride, v128.shuffle<f64>(t2, t3, 1, 3));
}

/** The position of the first index outside 0 … bound − 1, or −1. */
export function firstOutside(indices: usize, count: i32, bound: i32): i32 {
  for (let i = 0; i < count; i++, indices += 4) if (load<u32>(indices) >= <u32>bound) return i;
  return -1;
}

/** y[i, ·] = x[indices[i], ·] for rows of `bytes`. */
export function gatherRows(x: usize, indices: usize, y: usize, count: i32, bytes: usize): void {
  for (let i = 0; i < count; i++, indices += 4, y += bytes) memory.copy(y, x + <usize>load<u32>(indices) * bytes, bytes);
}

/** y[indices[i], ·] += x[i, ·] for rows of `width` elements. */
export function scatterAddRows(x: usize, indices: usize, y: usize, count: i32, width: i32): void {
  const bytes = <usize>width << 2;
  for (let i = 0; i < count; i++, indices += 4) {
    let to = y + <usize>load<u32>(indices) * bytes;
    const end = to + bytes;
    for (; to + 12 < end; to += 16, x += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(x)));
    for (; to < end; to += 4, x += 4) store<f32>(to, load<f32>(to) + load<f32>(x));
  }
}
