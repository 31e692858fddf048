import { refuseLater } from "./checks.ts";
import { kernels } from "./core_kernels.ts";
import { empty, full, zeros } from "./create.ts";
import { Parameter, writes } from "./parameter.ts";
import { currentScope } from "./scope.ts";
import { type DType, formatShape, sameShape, tape, type TapeNode, type Tensor } from "./tensor.ts";

/** Open calls of {@linkcode noGrad}. */
let disabled = 0;
/** Open forwards of ops, whose inner ops are not recorded. */
let insideOps = 0;
/** The number of ops recorded so far. */
let count = 0;

/** What an op's forward returns. */
export interface OpResult<Output extends Tensor | readonly Tensor[]> {
  /** The tensors that gradients flow to. */
  inputs: readonly Tensor[];
  /** The value: a new tensor, or several. */
  output: Output;
  /**
   * Computes ∂loss/∂input for each input, in order, from ∂loss/∂output of each output. Return `undefined` for an input that
   * gets no gradient, or whose `requiresGrad` is false.
   */
  backward: (...gradients: Tensor[]) => readonly (Tensor | undefined)[];
}

/**
 * Defines a differentiable op: a forward that computes a value, and returns the backward that goes with it. All ops of
 * this library are defined with it.
 *
 * Ops called inside the forward or the backward are not recorded. To save something for the backward only when there will
 * be one, ask {@linkcode willRecord}.
 *
 * @param name The op's name in messages.
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
 * Calls a function with the tape off: what it computes is not recorded, and nothing is saved for a backward pass.
 *
 * @param f The function; it must not be asynchronous.
 * @returns What the function returns.
 * @throws {TypeError} If the function is asynchronous or a generator: it would mostly run after the tape is on again.
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
    return refuseLater("switch off the tape", f());
  } finally {
    disabled--;
  }
}

/**
 * Whether the tape is on, which is always so outside {@linkcode noGrad}. Layers that behave differently in training and in
 * prediction, such as dropout, go by it.
 *
 * @example
 * ```ts
 * import { isGradEnabled, noGrad } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isGradEnabled(), true);
 * assert.equal(noGrad(() => isGradEnabled()), false);
 * ```
 */
export function isGradEnabled(): boolean {
  return disabled === 0;
}

/**
 * Whether an op on these inputs is recorded. Call it in the forward of {@linkcode defineOp} before saving values that only
 * the backward needs.
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

/** Runs an op's forward, in which other ops are not recorded. */
function insideOp<T>(forward: () => T): T {
  insideOps++;
  try {
    return forward();
  } finally {
    insideOps--;
  }
}

/** Puts an op on the tape, unless recording is off or no input needs a gradient. */
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
  // A copy: the caller may change its list before the backward pass.
  const version = writes.count;
  const node: TapeNode = { name, order: count++, inputs: [...inputs], shapes, gradients: [], backward, version };
  outputs.forEach((output, index) => output.source = { node, index });
}

tape.backward = (root, gradient) => {
  if (!root.requiresGrad) {
    const shape = formatShape(root.shape);
    throw new TypeError(
      `Cannot run backward from a tensor of shape ${shape}: it must be computed from a parameter, outside noGrad()`,
    );
  }
  noGrad(() => {
    const start = seed(root, gradient);
    const nodes = root.source === undefined ? [] : history(root.source.node);
    try {
      deliver(root, start);
      nodes.forEach(goBack);
    } finally {
      // Even if an op failed: a later backward must not add to the gradients of this one.
      for (const node of nodes) {
        node.backward = undefined;
        node.gradients.length = 0;
      }
    }
  });
};

function seed(root: Tensor, gradient: Tensor | undefined): Tensor {
  if (gradient === undefined) {
    if (root.size !== 1) {
      const shape = formatShape(root.shape);
      throw new TypeError(
        `Cannot run backward from a tensor of shape ${shape}: pass a gradient of that shape, or start from a scalar`,
      );
    }
    return full(root.shape, 1);
  }
  if (!sameShape(gradient.shape, root.shape)) {
    const [wanted, got] = [formatShape(root.shape), formatShape(gradient.shape)];
    throw new TypeError(`Cannot run backward: the gradient must have shape ${wanted}, got ${got}`);
  }
  return gradient;
}

/** The nodes that lead to a root, latest first. */
function history(root: TapeNode): TapeNode[] {
  const seen = new Set([root]);
  for (const node of seen) {
    if (node.backward === undefined) {
      throw new ReferenceError(
        `Cannot run backward through ${node.name}: an earlier backward() released the tape; compute the value again`,
      );
    }
    if (node.version !== writes.count) checkUnchanged(node);
    for (const input of node.inputs) if (input.source !== undefined) seen.add(input.source.node);
  }
  return [...seen].sort((a, b) => b.order - a.order);
}

/** Throws if a parameter that an op used has changed since. */
function checkUnchanged({ name, inputs, version }: TapeNode): void {
  for (const input of inputs) {
    if (!(input instanceof Parameter) || input.slab.lastWrite <= version) continue;
    const parameter = input.slab.names.get(input) ?? "a parameter";
    throw new ReferenceError(
      `Cannot run backward through ${name}: ${parameter} of shape ${formatShape(input.shape)} must not change ` +
        "between forward and backward, but was written; step, load and swap after backward(), or compute the value again",
    );
  }
}

/** Runs one op's backward and delivers the gradients to its inputs. */
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

/** Adds a gradient to those that have reached a tensor. */
function deliver(target: Tensor, gradient: Tensor): void {
  if (target.source === undefined) return addToGrad(target, gradient);
  const { node: { gradients }, index } = target.source;
  const before = gradients[index];
  if (before === undefined) return void (gradients[index] = gradient);
  const total = empty(before.shape);
  kernels.add(before.offset, gradient.offset, total.offset, 1, total.size, 0, 4, 0, 4);
  gradients[index] = total;
}

/** Adds to the gradient of a leaf. */
function addToGrad(leaf: Tensor, gradient: Tensor): void {
  // Its own copy, since an op may return one gradient for several inputs. It lives as long as the leaf does.
  if (leaf.grad === undefined) leaf.setGrad(zeros(leaf.shape, { persistent: leaf.owner !== currentScope() }));
  const { offset, size } = leaf.grad!;
  kernels.add(offset, gradient.offset, offset, 1, size, 0, 4, 0, 4);
}
