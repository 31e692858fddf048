/** Helpers for tests in several folders: temporary folders, Python, and values to compare models with. */

import { noGrad, type Random, scope, type Tensor, tensor } from "@unfold/core";
import type { ForwardOptions, Layer } from "@unfold/layers";
import { printable } from "@unfold/core/support";
import assert from "node:assert/strict";

/** A name that clears the screen of a terminal, reorders its line and fills pages. */
export const HOSTILE = `a\x1b[2J\x9b31m\u202e\u2028\n${"x".repeat(1e6)}`;

/** Fails unless a message is one line that steers no terminal, with less than 1,000 characters. */
export function assertPrintable(message: string): void {
  assert.equal(printable(message, Infinity), message);
  assert.ok(message.length < 1000, `it must have less than 1,000 characters, got ${message.length}`);
}

/** Fails unless a function throws an error of ours that {@linkcode assertPrintable} accepts. */
export function assertThrowsPrintable(action: () => unknown): void {
  assert.throws(action, ({ message }: Error) => {
    assert.match(message, /^Cannot /);
    assertPrintable(message);
    return true;
  });
}

/** Runs a test with a new folder, and removes the folder afterwards. */
export async function withFolder(test: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The Python of the golden values, if `deno task goldens` has made it. */
const GOLDENS_PYTHON = new URL("goldens/.venv/bin/python", import.meta.url).pathname;

/** Returns the first Python that can import a module, or `undefined`. */
export function pythonWith(module: string): string | undefined {
  return [GOLDENS_PYTHON, "python3", "/usr/bin/python3"].find((name) => {
    try {
      return new Deno.Command(name, { args: ["-c", `import ${module}`], stderr: "null" }).outputSync().success;
    } catch {
      // There is no such Python, or no permission to run it.
      return false;
    }
  });
}

/** Values with a shape: inputs and outputs of models. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** Returns a vector of integers, such as lengths. */
export function integers(...values: number[]): Numbers {
  return { shape: [values.length], data: Int32Array.from(values) };
}

/** Draws standard normal values, or tokens below `tokens`. */
export function draw(random: Random, shape: readonly number[], tokens?: number): Numbers {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = tokens === undefined
    ? Float32Array.from({ length }, () => random.normal())
    : Int32Array.from({ length }, () => random.integer(tokens));
  return { shape, data };
}

/** Adds noise to all parameters, so that none is exactly 0 or 1, and returns the layer. */
export function stir<L extends Layer>(layer: L, random: Random): L {
  for (const { data } of Object.values(layer.parameters())) data.forEach((_, i) => data[i]! += random.normal(0, 0.1));
  return layer;
}

/** Converts values to a tensor. */
export function toTensor({ shape, data }: Numbers): Tensor {
  return tensor([...data], { dtype: data instanceof Int32Array ? "i32" : "f32", shape }) as Tensor;
}

/** Copies the values of a tensor. */
export function fromTensor({ shape, data }: Tensor): Numbers {
  return { shape, data: data.slice() };
}

/** Returns a layer's output. */
export function forward(layer: Layer, x: Numbers, options: ForwardOptions = {}): Numbers {
  using _ = scope();
  return fromTensor(noGrad(() => layer.forward(toTensor(x), options)));
}

/** Fails if shapes differ, or if any value differs by more than 10⁻⁵. */
export function assertEqual(actual: Numbers | undefined, expected: Numbers, name: string): void {
  assert.deepEqual(actual?.shape, expected.shape, name);
  const worst = Math.max(0, ...Array.from(expected.data, (value, i) => Math.abs(value - actual!.data[i]!)));
  assert.ok(worst <= 1e-5, `${name}: must differ by 1e-5 at most, got ${worst}`);
}
