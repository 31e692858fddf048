import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";

/** An elementwise op y = f(x) whose gradient kernel takes y (or x, where `saved` says so) and ∂L/∂y. */
export function unaryOp(
  name: string,
  kernel: (x: number, y: number, n: number) => void,
  gradientKernel: (saved: number, dy: number, dx: number, n: number) => void,
  saved: "input" | "output",
): (x: Tensor) => Tensor {
  return defineOp(name, (x: Tensor) => {
    const y = empty(x.shape);
    kernel(x.offset, y.offset, x.size);
    return {
      inputs: [x],
      output: y,
      backward: (dy) => {
        const dx = empty(x.shape);
        gradientKernel((saved === "input" ? x : y).offset, dy.offset, dx.offset, x.size);
        return [dx];
      },
    };
  });
}
