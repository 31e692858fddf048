import { defineOp } from "../define_op.ts";
import { gemm, rightOperand } from "../gemm.ts";
import { scope } from "../scope.ts";
import { empty } from "../empty.ts";
import { formatShape, type Tensor } from "../tensor.ts";

/** A matrix as stored, and whether it enters the product transposed. */
interface Factor {
  x: Tensor;
  transposed: boolean;
}

function product(left: Factor, right: Factor): Tensor {
  const [rows, columns] = left.x.shape as [number, number];
  const [m, k] = left.transposed ? [columns, rows] : [rows, columns];
  const stride = right.x.shape[1]!;
  const n = right.transposed ? right.x.shape[0]! : stride;
  const y = empty([m, n]);
  using _ = scope();
  const b = rightOperand({ k, n, offset: right.x.offset, stride, transposed: right.transposed }, { rows: m });
  gemm({ m, a: left.x.offset, aStride: columns, aTransposed: left.transposed, b, c: y.offset, cStride: n });
  return y;
}

/** Options for {@linkcode matmul}. */
export interface MatmulOptions {
  /**
   * Whether the first factor enters transposed.
   *
   * @default {false}
   */
  transposeA?: boolean;
  /**
   * Whether the second factor enters transposed.
   *
   * @default {false}
   */
  transposeB?: boolean;
}

/**
 * Matrix product: y = a·b, ∂L/∂a = ∂L/∂y·bᵀ, ∂L/∂b = aᵀ·∂L/∂y, either factor transposed first if asked for.
 *
 * @param a [m, k], or [k, m] with `transposeA`.
 * @param b [k, n], or [n, k] with `transposeB`.
 * @returns [m, n].
 * @throws {TypeError} If a factor has no two axes, or the inner lengths differ.
 *
 * @example
 * ```ts
 * import { matmul, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const a = tensor([[1, 2], [3, 4]]);
 * assert.deepEqual(matmul(a, tensor([[1], [10]])).toArray(), [[21], [43]]);
 * assert.deepEqual(matmul(a, tensor([[1, 10]]), { transposeB: true }).toArray(), [[21], [43]]);
 * ```
 */
export const matmul: (a: Tensor, b: Tensor, options?: MatmulOptions) => Tensor = defineOp(
  "matmul",
  (a: Tensor, b: Tensor, options: MatmulOptions = {}) => {
    const { transposeA = false, transposeB = false } = options;
    const inner = [a.shape[transposeA ? 0 : 1], b.shape[transposeB ? 1 : 0]];
    if (a.shape.length !== 2 || b.shape.length !== 2 || inner[0] !== inner[1]) {
      throw new TypeError(
        `Cannot multiply matrices of shapes ${formatShape(a.shape)}${transposeA ? "ᵀ" : ""} and ${
          formatShape(b.shape)
        }` +
          `${transposeB ? "ᵀ" : ""}: both must have two axes and their inner lengths must be equal`,
      );
    }
    const left: Factor = { x: a, transposed: transposeA };
    const right: Factor = { x: b, transposed: transposeB };
    return {
      inputs: [a, b],
      output: product(left, right),
      backward: (gradient) => {
        const dy: Factor = { x: gradient, transposed: false };
        const dyT: Factor = { x: gradient, transposed: true };
        const flip = ({ x, transposed }: Factor): Factor => ({ x, transposed: !transposed });
        const da = () => transposeA ? product(right, dyT) : product(dy, flip(right));
        const db = () => transposeB ? product(dyT, left) : product(flip(left), dy);
        return [a.requiresGrad ? da() : undefined, b.requiresGrad ? db() : undefined];
      },
    };
  },
);
