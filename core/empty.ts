import { checkShape } from "./_check_shape.ts";
import { Block, formatBytes, inUse } from "./memory.ts";
import { allocateInScope, currentScope } from "./scope.ts";
import { type DType, formatShape, type Shape, sizeOf, Tensor } from "./tensor.ts";

/** How much may live outside any scope before a loop without scopes is suspected. */
const AMBIENT_BUDGET = 2 ** 30;
let ambientBytes = 0;
const ambientBackstop = new FinalizationRegistry<number>((bytes) => void (ambientBytes -= bytes));

inUse.push(() => `${formatBytes(ambientBytes)} by tensors outside any scope`);

/** Bytes of tensors made while no scope was open. */
export function bytesInAmbientTensors(): number {
  return ambientBytes;
}

/** Options of the functions that make tensors. */
export interface TensorOptions<D extends DType = DType> {
  /**
   * The kind of element.
   *
   * @default {"f32"}
   */
  dtype?: D;
  /**
   * Whether gradients flow to the tensor, into its `grad`.
   *
   * @default {false}
   */
  requiresGrad?: boolean;
  /**
   * Whether the tensor outlives the scope that it is made in, until {@linkcode Tensor.dispose} or until nothing refers to it.
   *
   * @default {false}
   */
  persistent?: boolean;
}

/**
 * A tensor whose elements are whatever the memory holds: for ops that write them all.
 *
 * @param shape Lengths of the axes, integers of 0 or more.
 * @throws {RangeError} If a length is no integer of 0 or more, or the memory is exhausted.
 *
 * @example
 * ```ts
 * import { empty } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = empty([2, 2]);
 * x.data.fill(7);
 * assert.equal(x.data[3], 7);
 * ```
 */
export function empty<D extends DType = "f32">(shape: Shape, options: TensorOptions<D> = {}): Tensor<NoInfer<D>> {
  checkShape("make a tensor", shape);
  const dtype = options.dtype ?? "f32" as D;
  const requiresGrad = options.requiresGrad ?? false;
  if (dtype !== "f32" && (dtype !== "i32" || requiresGrad)) {
    throw new TypeError(
      `Cannot make a tensor: dtype must be "f32", or "i32" for a tensor without gradient, got "${dtype}"` +
        (requiresGrad ? " with requiresGrad" : ""),
    );
  }
  const bytes = 4 * sizeOf(shape);
  const purpose = `a tensor of shape ${formatShape(shape)}`;
  if (options.persistent) {
    const owner = new Block(bytes, purpose);
    return new Tensor(shape, { dtype, requiresGrad, offset: owner.offset, owner });
  }
  const scope = currentScope();
  if (scope !== undefined) {
    return new Tensor(shape, { dtype, requiresGrad, offset: allocateInScope(bytes, purpose), owner: scope });
  }
  if (ambientBytes + bytes > AMBIENT_BUDGET) {
    throw new RangeError(
      `Cannot allocate ${formatBytes(bytes)} for ${purpose}: outside any scope tensors may take ` +
        `${formatBytes(AMBIENT_BUDGET)} in all, and ${
          formatBytes(ambientBytes)
        } are in use. A loop that makes tensors must open ` +
        "a scope: put `using _ = scope();` first in its body, and keep() what must outlive it. What is meant to stay can be " +
        "made with { persistent: true }",
    );
  }
  const owner = new AmbientBlock(bytes, purpose);
  return new Tensor(shape, { dtype, requiresGrad, offset: owner.offset, owner });
}

/** A block that counts towards the ambient budget. */
class AmbientBlock extends Block {
  constructor(bytes: number, purpose: string) {
    super(bytes, purpose);
    ambientBytes += this.bytes;
    ambientBackstop.register(this, this.bytes, this);
  }

  override release(): void {
    if (!this.released) {
      ambientBackstop.unregister(this);
      ambientBytes -= this.bytes;
    }
    super.release();
  }
}
