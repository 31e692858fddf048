import { defineOp, type OpResult } from "../autograd.ts";
import type { DType, Tensor } from "../tensor.ts";

/**
 * Defines an op that only moves elements, so its forward takes floats and integers alike: kernels copy 32 bits at a time. On
 * floats it is recorded as any op; integers have no gradient and are never recorded.
 *
 * @param name The op's name in messages.
 * @param forward Checks its arguments and computes the value. For integers, its `Tensor`s are `Tensor<"i32">`.
 * @returns The op, to be given its type over all kinds of elements.
 */
export function defineMove<
  First extends Tensor | readonly Tensor[],
  Rest extends readonly unknown[],
  Output extends Tensor | readonly Tensor[],
>(
  name: string,
  forward: (first: First, ...rest: Rest) => OpResult<Output>,
): (first: First, ...rest: Rest) => Output {
  const recorded = defineOp(name, forward);
  return (first, ...rest) => {
    const x: Tensor<DType> | undefined = Array.isArray(first) ? first[0] : first as Tensor;
    return x?.dtype === "i32" ? forward(first, ...rest).output : recorded(first, ...rest);
  };
}
