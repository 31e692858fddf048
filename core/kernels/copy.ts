/** Copies rows of `bytes` between two strides in bytes. */
export function copyRows(x: usize, xStride: usize, y: usize, yStride: usize, rows: i32, bytes: usize): void {
  for (let i = 0; i < rows; i++, x += xStride, y += yStride) memory.copy(y, x, bytes);
}

/** y[j, i, ·] = x[i, j, ·] for rows of `bytes`: batch-major to time-major and back. */
export function swapAxes(x: usize, y: usize, first: i32, second: i32, bytes: usize): void {
  for (let j = 0; j < second; j++, x += bytes) {
    const stride = <usize>second * bytes;
    for (let i = 0, from = x; i < first; i++, from += stride, y += bytes) memory.copy(y, from, bytes);
  }
}

/** Fills rows with one row. */
export function repeatRow(x: usize, y: usize, rows: i32, bytes: usize): void {
  for (let i = 0; i < rows; i++, y += bytes) memory.copy(y, x, bytes);
}
