import { resolveAxis } from "../_axes.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";
import { transpose } from "./transpose.ts";

/** Options of the ops that normalise along an axis. */
export interface AxisOptions {
  /**
   * The axis; negative ones count from the last.
   *
   * @default {-1}
   */
  axis?: number;
}

/** An op y = f(x) on each row along an axis, whose gradient kernel takes y and ∂L/∂y. */
export function rowsOp(
  name: string,
  kernel: (x: number, y: number, rows: number, n: number) => void,
  gradientKernel: (y: number, dy: number, dx: number, rows: number, n: number) => void,
): (x: Tensor, options?: AxisOptions) => Tensor {
  const alongLast = defineOp(name, (x: Tensor) => {
    const n = x.shape.at(-1)!;
    const rows = n === 0 ? 0 : x.size / n;
    const y = empty(x.shape);
    kernel(x.offset, y.offset, rows, n);
    return {
      inputs: [x],
      output: y,
      backward: (dy) => {
        const dx = empty(x.shape);
        gradientKernel(y.offset, dy.offset, dx.offset, rows, n);
        return [dx];
      },
    };
  });
  return (x, { axis = -1 } = {}) => {
    const at = resolveAxis(name, x.shape, axis);
    const last = x.shape.length - 1;
    if (at === last) return alongLast(x);
    const swapped = x.shape.map((_, i) => i === at ? last : i === last ? at : i);
    return transpose(alongLast(transpose(x, swapped)), swapped);
  };
}
