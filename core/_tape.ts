import type { Shape, Tensor } from "./tensor.ts";
import { empty } from "./empty.ts";
import { full } from "./full.ts";
import { zeros } from "./zeros.ts";
import { formatShape } from "./tensor.ts";
import { kernels } from "./_kernels.ts";
import { sameShape } from "./_same_shape.ts";

/** One recorded op: what it was computed from, and how a gradient flows back through it. */
export interface TapeNode {
  /** The op's name. */
  readonly name: string;
  /** Later ops have higher numbers: descending order is a topological order. */
  readonly order: number;
  /** What gradients flow to. */
  readonly inputs: readonly Tensor[];
  /** The outputs' shapes. */
  readonly shapes: readonly Shape[];
  /** ∂loss/∂output of each output that has been reached. */
  readonly gradients: (Tensor | undefined)[];
  /** `undefined` once the tape has been released. */
  backward: ((...gradients: Tensor[]) => readonly (Tensor | undefined)[]) | undefined;
}

let disabled = 0;
let insideOps = 0;
let count = 0;

/** Whether gradients of these inputs can be asked for. */
export function willRecord(inputs: readonly Tensor[]): boolean {
  return disabled === 0 && inputs.some((input) => input.requiresGrad);
}

/** Calls `f` with the tape off. */
export function withoutTape<T>(f: () => T): T {
  disabled++;
  try {
    return f();
  } finally {
    disabled--;
  }
}

/** Runs an op's forward, in which other ops are not recorded. */
export function insideOp<T>(forward: () => T): T {
  insideOps++;
  try {
    return forward();
  } finally {
    insideOps--;
  }
}

/** Puts an op on the tape, if it is recorded at all. */
export function record(
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

/** a += b of one shape. */
export function addInto(a: Tensor, b: Tensor): void {
  kernels.add(a.offset, b.offset, a.offset, 1, a.size, 0, 4, 0, 4);
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

/** Back-propagates from `root`; see `Tensor.backward`. */
export function runBackward(root: Tensor, gradient?: Tensor): void {
  if (!root.requiresGrad) {
    throw new TypeError(
      `Cannot run backward from a tensor of shape ${
        formatShape(root.shape)
      }: it was not computed from any parameter, or ` +
        "under noGrad",
    );
  }
  withoutTape(() => {
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
}

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

function deliver(target: Tensor, gradient: Tensor): void {
  if (target.source === undefined) return target.addGrad(gradient);
  const { node: { gradients }, index } = target.source;
  const before = gradients[index];
  if (before === undefined) return void (gradients[index] = gradient);
  const total = empty(before.shape);
  kernels.add(before.offset, gradient.offset, total.offset, 1, total.size, 0, 4, 0, 4);
  gradients[index] = total;
}
