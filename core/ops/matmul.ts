import { defineOp } from "../autograd.ts";
import { empty } from "../create.ts";
import { gemm, rightOperand } from "../gemm.ts";
import { scope } from "../scope.ts";
import { checkTensor, formatShape, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { broadcastShape, loopsOver, reduceTo, stretchedStrides } from "./_broadcast.ts";
import { reshape } from "./shape.ts";

/** A factor: matrices in the last two axes, and whether to transpose them. */
interface Factor {
  readonly x: Tensor;
  readonly transposed: boolean;
}

function flip({ x, transposed }: Factor): Factor {
  return { x, transposed: !transposed };
}

/** The element strides from matrix to matrix of a factor, along the batch axes. */
function matrixStrides({ shape }: Tensor, batch: Shape): number[] {
  const matrix = shape.at(-2)! * shape.at(-1)!;
  return stretchedStrides(shape.slice(0, -2), batch).map((stride) => stride * matrix);
}

/** The products of all pairs of matrices, with broadcast batch axes. */
function product(left: Factor, right: Factor): Tensor {
  const batch = broadcastShape("multiply matrices", left.x.shape.slice(0, -2), right.x.shape.slice(0, -2));
  const [rows, aStride] = left.x.shape.slice(-2) as [number, number];
  const [rightRows, bStride] = right.x.shape.slice(-2) as [number, number];
  const [m, k] = left.transposed ? [aStride, rows] : [rows, aStride];
  const n = right.transposed ? rightRows : bStride;
  const y = empty([...batch, m, n]);
  if (y.size === 0) return y;
  const loops = loopsOver(batch, [matrixStrides(left.x, batch), matrixStrides(right.x, batch)]);
  const [aOuter, bOuter] = loops.outerStrides as [number, number];
  const [aInner, bInner] = loops.innerStrides as [number, number];
  let c = y.offset;
  loops.forEach(([aStart, bStart]) => {
    for (let outer = 0; outer < loops.outer; outer++) {
      for (let inner = 0; inner < loops.inner; inner++, c += 4 * m * n) {
        using _ = scope();
        const a = left.x.offset + aStart! + outer * aOuter + inner * aInner;
        const offset = right.x.offset + bStart! + outer * bOuter + inner * bInner;
        const b = rightOperand({ k, n, offset, stride: bStride, transposed: right.transposed }, { rows: m });
        gemm({ m, a, aStride, aTransposed: left.transposed, b, c, cStride: n });
      }
    }
  });
  return y;
}

const multiplyMatrices = defineOp("matmul", (left: Factor, right: Factor) => {
  const [a, b] = [left.x, right.x];
  return {
    inputs: [a, b],
    output: product(left, right),
    backward: (gradient) => {
      const dy: Factor = { x: gradient, transposed: false };
      const da = () => left.transposed ? product(right, flip(dy)) : product(dy, flip(right));
      const db = () => right.transposed ? product(flip(dy), left) : product(flip(left), dy);
      return [
        a.requiresGrad ? reduceTo(da(), a.shape) : undefined,
        b.requiresGrad ? reduceTo(db(), b.shape) : undefined,
      ];
    },
  };
});

/** Options for {@linkcode matmul}. */
export interface MatmulOptions {
  /**
   * Whether to transpose the matrices of the first factor.
   *
   * @default {false}
   */
  transposeA?: boolean;
  /**
   * Whether to transpose the matrices of the second factor.
   *
   * @default {false}
   */
  transposeB?: boolean;
}

/**
 * Matrix product: y = a·b, ∂L/∂a = ∂L/∂y·bᵀ, ∂L/∂b = aᵀ·∂L/∂y. Either factor can be transposed first. The axes before the last
 * two broadcast.
 *
 * @param a [..., m, k], or [..., k, m] with `transposeA`.
 * @param b [..., k, n], or [..., n, k] with `transposeB`.
 * @returns [..., m, n].
 * @throws {TypeError} If a factor has fewer than two axes, the inner lengths differ, or the other axes do not broadcast.
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
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkTensor("multiply matrices", a);
  checkTensor("multiply matrices", b);
  const { transposeA = false, transposeB = false } = options;
  const inner = [a.shape.at(transposeA ? -2 : -1), b.shape.at(transposeB ? -1 : -2)];
  if (a.shape.length < 2 || b.shape.length < 2 || inner[0] !== inner[1]) {
    throw new TypeError(
      `Cannot multiply matrices of shapes ${formatShape(a.shape)}${transposeA ? "ᵀ" : ""} and ${formatShape(b.shape)}` +
        `${transposeB ? "ᵀ" : ""}: both must have at least two axes and their inner lengths must be equal`,
    );
  }
  if (a.shape.length > 2 && b.shape.length === 2 && !transposeA) {
    // One right matrix for all left ones: stack their rows into one tall matrix.
    const [k, n] = [a.shape.at(-1)!, b.shape[transposeB ? 0 : 1]!];
    const tall = reshape(a, [sizeOf(a.shape.slice(0, -1)), k]);
    return reshape(matmul(tall, b, options), [...a.shape.slice(0, -1), n]);
  }
  return multiplyMatrices({ x: a, transposed: transposeA }, { x: b, transposed: transposeB });
}
