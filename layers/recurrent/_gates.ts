import { kernels } from "../_kernels.ts";
import type { GateGroup } from "./_layout.ts";
import type { Rows } from "./_product.ts";
import type { Run } from "./_run.ts";

/**
 * Computes the values of gates at a time step from their products.
 *
 * @param x x·U of the first row.
 * @param p h·W of the first row, if it is not part of `x`.
 */
export function activateGates(
  run: Run,
  groups: readonly GateGroup[],
  t: number,
  { from, count: rows }: Rows,
  x: number,
  p: number,
): void {
  const { hidden, step, layout, heads } = run;
  const [n, row, xRow, pRow] = [hidden / heads, 4 * hidden, 4 * hidden * layout.u, 4 * hidden * layout.w];
  const first = run.gatesAt(t, from);
  for (let i = 0; i < groups.length; i++) {
    const { gate, count, codes, u, w, d } = groups[i]!;
    for (let head = 0; head < heads; head++) {
      const at = 4 * head * n;
      const y = first + gate * step + at;
      const product = p + 4 * n * (head * layout.w + w!);
      if (u === undefined) {
        const bias = run.recurrentBias + d! * row + at;
        kernels.activateGates(rows, n, codes, count, product, pRow, 4 * n, 0, 0, 0, bias, y, row, step);
      } else {
        const [input, bias] = [x + u * row + at, run.bias + u * row + at];
        const added = w === undefined || layout.shared !== undefined ? 0 : product;
        kernels.activateGates(rows, n, codes, count, input, xRow, row, added, pRow, 4 * n, bias, y, row, step);
      }
    }
  }
}

/**
 * The backward of {@linkcode activateGates}: from ∂loss/∂values of a time step, [gates, batch, hidden] at `dGates`, writes the
 * gradients of the products.
 */
export function gateSlopes(
  run: Run,
  groups: readonly GateGroup[],
  t: number,
  { from, count: rows }: Rows,
  dGates: number,
  dx: number,
  dp: number,
): void {
  const { hidden, step, layout, heads } = run;
  const [n, row, xRow, pRow] = [hidden / heads, 4 * hidden, 4 * hidden * layout.u, 4 * hidden * layout.w];
  const [values, gradients] = [run.gatesAt(t, from), dGates + from * row];
  for (let i = 0; i < groups.length; i++) {
    const { gate, count, codes, u, w } = groups[i]!;
    for (let head = 0; head < heads; head++) {
      const at = gate * step + 4 * head * n;
      const [y, dy, product] = [values + at, gradients + at, dp + 4 * n * (head * layout.w + w!)];
      if (u === undefined) {
        kernels.gateSlopes(rows, n, codes, count, y, dy, row, step, product, pRow, 4 * n, 0, 0, 0);
      } else {
        const input = dx + u * row + 4 * head * n;
        const added = w === undefined || layout.shared !== undefined ? 0 : product;
        kernels.gateSlopes(rows, n, codes, count, y, dy, row, step, input, xRow, row, added, pRow, 4 * n);
      }
    }
  }
}
