import { kernels } from "./core_kernels.ts";
import { empty, full, zeros } from "./create.ts";
import { currentScope } from "./scope.ts";
import { type DType, formatShape, sameShape, tape, type TapeNode, type Tensor } from "./tensor.ts";

let disabled = 0;
let insideOps = 0;
let count = 0;

/** Runs an op's forward, in which other ops are not recorded. */
function insideOp<T>(forward: () => T): T {
  insideOps++;
  try {
    return forward();
  } finally {
    insideOps--;
  }
}

/** Puts an op on the tape, if it is recorded at all. */
function record(
  name: string,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  backward: NonNullable<TapeNode["backward"]>,
): void {
  if (insideOps > 0 || !willRecord(inputs)) return;
  if (outputs.some((output) => inputs.includes(output))) {
    throw new TypeError(`Cannot record ${name}: its output must be a new tensor, got one of its inputs`);
  }
  const shapes = outputs.map(({ shape }) => shape);
  // The caller may change its list of inputs before the backward.
  const node: TapeNode = { name, order: count++, inputs: [...inputs], shapes, gradients: [], backward };
  outputs.forEach((output, index) => output.source = { node, index });
}

function seed(root: Tensor, gradient: Tensor | undefined): Tensor {
  if (gradient === undefined) {
    if (root.size !== 1) {
      throw new TypeError(
        `Cannot run backward from a tensor of shape ${
          formatShape(root.shape)
        }: it must be a scalar, or a gradient of its ` +
          "shape must be given",
      );
    }
    return full(root.shape, 1);
  }
  if (!sameShape(gradient.shape, root.shape)) {
    throw new TypeError(
      `Cannot run backward: the gradient must have shape ${formatShape(root.shape)}, got ${
        formatShape(gradient.shape)
      }`,
    );
  }
  return gradient;
}

/** The nodes that a tensor was computed from, latest first. */
function history(root: TapeNode): TapeNode[] {
  const seen = new Set([root]);
  for (const node of seen) {
    if (node.backward === undefined) {
      throw new ReferenceError(
        `Cannot run backward through ${node.name}: the tape was released by an earlier backward(); compute the value again`,
      );
    }
    for (const input of node.inputs) if (input.source !== undefined) seen.add(input.source.node);
  }
  return [...seen].sort((a, b) => b.order - a.order);
}

tape.backward = (root, gradient) => {
  if (!root.requiresGrad) {
    throw new TypeError(
      `Cannot run backward from a tensor of shape ${
        formatShape(root.shape)
      }: it was not computed from any parameter, or ` +
        "under noGrad",
    );
  }
  noGrad(() => {
    const start = seed(root, gradient);
    const nodes = root.source === undefined ? [] : history(root.source.node);
    try {
      deliver(root, start);
      nodes.forEach(goBack);
    } finally {
      // Also where an op has failed: what was delivered must not be taken for part of a later backward.
      for (const node of nodes) {
        node.backward = undefined;
        node.gradients.length = 0;
      }
    }
  });
};

/** Hands the gradients of an op's outputs on to its inputs. */
function goBack({ name, inputs, shapes, gradients, backward }: TapeNode): void {
  const flowing = backward!(...shapes.map((shape, index) => gradients[index] ?? zeros(shape)));
  if (flowing.length !== inputs.length) {
    throw new TypeError(
      `Cannot run backward through ${name}: it must return a gradient for each of ${inputs.length} inputs, got ${flowing.length}`,
    );
  }
  inputs.forEach((input, index) => {
    const part = flowing[index];
    if (!input.requiresGrad || part === undefined) return;
    if (!sameShape(part.shape, input.shape)) {
      throw new TypeError(
        `Cannot run backward through ${name}: the gradient of input ${index} must have shape ` +
          `${formatShape(input.shape)}, got ${formatShape(part.shape)}`,
      );
    }
    deliver(input, part);
  });
}

/** Adds to the gradient of a leaf of the tape. */
function addToGrad(leaf: Tensor, gradient: Tensor): void {
  // A copy of its own, for an op may have handed the same gradient to several tensors; it lives as long as the tensor does.
  if (leaf.grad === undefined) leaf.setGrad(zeros(leaf.shape, { persistent: leaf.owner !== currentScope() }));
  const { offset, size } = leaf.grad!;
  kernels.add(offset, gradient.offset, offset, 1, size, 0, 4, 0, 4);
}

function deliver(target: Tensor, gradient: Tensor): void {
  if (target.source === undefined) return addToGrad(target, gradient);
  const { node: { gradients }, index } = target.source;
  const before = gradients[index];
  if (before === undefined) return void (gradients[index] = gradient);
  const total = empty(before.shape);
  kernels.add(before.offset, gradient.offset, total.offset, 1, total.size, 0, 4, 0, 4);
  gradients[index] = total;
}

/** What an op's forward returns. */
export interface OpResult<Output extends Tensor | readonly Tensor[]> {
  /** The tensors that gradients flow to. */
  inputs: readonly Tensor[];
  /** The value, a new tensor, or several. */
  output: Output;
  /**
   * ∂loss/∂input of each input, in their order, from ∂loss/∂output of each output. `undefined` where no gradient flows;
   * an input whose `requiresGrad` is false may be skipped likewise.
   */
  backward: (...gradients: Tensor[]) => readonly (Tensor | undefined)[];
}

/**
 * Defines a differentiable op: a forward that computes a value and hands back how gradients return through it. All ops of
 * this library are defined with it.
 *
 * Ops called inside the forward and the backward are not recorded. Whether a gradient will be asked for, and so whether it
 * is worth saving something for it, {@linkcode willRecord} tells.
 *
 * @param name For messages.
 * @param forward Computes the value from the op's arguments, which it should check.
 * @returns The op.
 *
 * @example y = x², ∂y/∂x = 2x
 * ```ts
 * import { defineOp, multiply, scale, type Tensor, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const square: (x: Tensor) => Tensor = defineOp("square", (x: Tensor) => ({
 *   inputs: [x],
 *   output: multiply(x, x),
 *   backward: (dy) => [multiply(dy, scale(x, 2))],
 * }));
 *
 * const x = tensor(3, { requiresGrad: true });
 * square(x).backward();
 * assert.equal(x.grad?.item(), 6);
 * ```
 */
export function defineOp<Args extends readonly unknown[], Output extends Tensor | readonly Tensor[]>(
  name: string,
  forward: (...args: Args) => OpResult<Output>,
): (...args: Args) => Output {
  return (...args) => {
    const { inputs, output, backward } = insideOp(() => forward(...args));
    for (const { dtype, shape } of inputs as readonly Tensor<DType>[]) {
      if (dtype !== "f32") {
        throw new TypeError(
          `Cannot ${name}: inputs must hold floats (dtype "f32"), got "${dtype}" of shape ${formatShape(shape)}`,
        );
      }
    }
    record(name, inputs, Array.isArray(output) ? output : [output], backward);
    return output;
  };
}

/**
 * Calls a function with the tape off: nothing it computes is recorded, so nothing is saved for a backward.
 *
 * @param f The function; it must not be asynchronous.
 * @returns What it returns.
 *
 * @example
 * ```ts
 * import { multiply, noGrad, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2], { requiresGrad: true });
 * assert.equal(noGrad(() => multiply(x, x)).requiresGrad, false);
 * ```
 */
export function noGrad<T>(f: () => T): T {
  disabled++;
  try {
    return f();
  } finally {
    disabled--;
  }
}

/**
 * Whether gradients of these inputs can be asked for: inside the forward of {@linkcode defineOp}, whether it is worth
 * saving values for the backward.
 *
 * @example
 * ```ts
 * import { noGrad, tensor, willRecord } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1], { requiresGrad: true });
 * assert.equal(willRecord([x]), true);
 * assert.equal(noGrad(() => willRecord([x])), false);
 * ```
 */
export function willRecord(inputs: readonly Tensor[]): boolean {
  return disabled === 0 && inputs.some((input) => input.requiresGrad);
}
