import { memory } from "./memory.ts";

/** The builds of a kernel module, as base64. */
export interface KernelBuilds {
  /**
   * With relaxed SIMD (fused multiply-add).
   *
   * @default {plain}
   */
  relaxed?: string;
  /** With fixed-width SIMD alone: the fallback where relaxed SIMD is missing. */
  plain: string;
}

/** Options for {@linkcode loadKernels}. */
export interface LoadKernelsOptions {
  /**
   * Which build to load.
   *
   * @default {"relaxed" where the engine has relaxed SIMD, else "plain"}
   */
  variant?: "relaxed" | "plain";
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Instantiates a kernel module on the one {@linkcode memory}, which it imports as `env.memory`.
 *
 * @typeParam Kernels The exported functions.
 * @param builds The module's builds.
 * @returns The module's exports.
 * @throws {Error} If the engine has no WebAssembly SIMD.
 *
 * @example
 * ```ts
 * import { loadKernels } from "@unfold/core/kernels";
 * import assert from "node:assert/strict";
 *
 * // (module (import "env" "memory" (memory 0)) (func (export "one") (result i32) i32.const 1))
 * const wasm = "AGFzbQEAAAABBQFgAAF/Ag8BA2VudgZtZW1vcnkCAAADAgEABwcBA29uZQAACgYBBABBAQs=";
 * const { one } = loadKernels<{ one(): number }>({ plain: wasm });
 * assert.equal(one(), 1);
 * ```
 */
export function loadKernels<Kernels>(builds: KernelBuilds, options: LoadKernelsOptions = {}): Kernels {
  let bytes = decode(options.variant === "plain" ? builds.plain : builds.relaxed ?? builds.plain);
  if (options.variant === undefined && !WebAssembly.validate(bytes)) bytes = decode(builds.plain);
  if (!WebAssembly.validate(bytes)) {
    throw new Error("Cannot load the kernels: this JavaScript engine must have WebAssembly SIMD, and has not");
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return exports as unknown as Kernels;
}
