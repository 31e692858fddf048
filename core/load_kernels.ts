import { isShared, memory } from "./memory.ts";

/** The builds of a kernel module. */
export interface KernelBuilds {
  /**
   * With relaxed SIMD (fused multiply-add).
   *
   * @default {plain}
   */
  relaxed?: Uint8Array<ArrayBuffer>;
  /** Without relaxed SIMD: the fallback for engines that lack it. */
  plain: Uint8Array<ArrayBuffer>;
}

/** Options for {@linkcode loadKernels}. */
export interface LoadKernelsOptions {
  /**
   * Which build to load.
   *
   * @default {"relaxed" if the engine has relaxed SIMD, else "plain"}
   */
  variant?: "relaxed" | "plain";
}

/**
 * Instantiates a kernel module on the shared {@linkcode memory}, which it imports as `env.memory`.
 *
 * @typeParam Kernels The exported functions.
 * @param builds The module's builds.
 * @returns The module's exports.
 * @throws {Error} If the engine has no WebAssembly SIMD, or a content security policy forbids WebAssembly.
 *
 * @example
 * ```ts
 * import { loadKernels } from "@unfold/core/kernels";
 * import assert from "node:assert/strict";
 *
 * // (module (import "env" "memory" (memory 0)) (func (export "one") (result i32) i32.const 1))
 * const wasm = "AGFzbQEAAAABBQFgAAF/Ag8BA2VudgZtZW1vcnkCAAADAgEABwcBA29uZQAACgYBBABBAQs=";
 * const plain = Uint8Array.from(atob(wasm), (char) => char.charCodeAt(0));
 * const { one } = loadKernels<{ one(): number }>({ plain });
 * assert.equal(one(), 1);
 * ```
 */
export function loadKernels<Kernels>(builds: KernelBuilds, options: LoadKernelsOptions = {}): Kernels {
  let bytes = options.variant === "plain" ? builds.plain : builds.relaxed ?? builds.plain;
  if (options.variant === undefined && !WebAssembly.validate(bytes)) bytes = builds.plain;
  if (!WebAssembly.validate(bytes)) {
    throw new Error("Cannot load the kernels: the JavaScript engine must support WebAssembly SIMD");
  }
  if (isShared) bytes = importSharedMemory(bytes);
  const { exports } = new WebAssembly.Instance(compile(bytes), { env: { memory } });
  // A copy: threads replace its functions while they record calls.
  const kernels = { ...exports } as Record<string, Kernel>;
  const functions = Object.fromEntries(Object.entries(kernels).filter(([, kernel]) => typeof kernel === "function"));
  modules.push({ bytes, kernels, functions });
  return kernels as unknown as Kernels;
}

/** Compiles valid bytes. If that fails, a content policy forbids it. */
function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw new Error(
      "Cannot load the kernels: the content security policy must allow WebAssembly; add 'wasm-unsafe-eval' to its " +
        `script-src directive; got ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** A kernel as the loader sees it: numbers in, perhaps a number out. */
export type Kernel = (...args: number[]) => unknown;

/** A loaded module, for threads, which load it too. */
export interface KernelModule {
  /** The module, as it was instantiated. */
  readonly bytes: Uint8Array;
  /** What {@linkcode loadKernels} returned. */
  readonly kernels: Record<string, Kernel>;
  /** The module's functions, in the order of its exports. */
  readonly functions: Readonly<Record<string, Kernel>>;
}

/** All loaded modules, in order. */
export const modules: KernelModule[] = [];

/** The number of a module's section of imports, and of an import that is a memory. */
const [IMPORTS, MEMORY] = [2, 2];
/** The flags of a memory that is shared and has a maximum; the maximum of 65,536 pages, as a number in LEB128. */
const [SHARED, MAXIMUM] = [3, [0x80, 0x80, 0x04]];

/**
 * A module that imports a shared memory instead of one that is not, which is all that differs: loads and stores are the same. So
 * one build serves both.
 */
export function importSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  // After a header of 8 bytes, each section is a number, a length, and that many bytes.
  for (let at = 8; at < bytes.length;) {
    const [length, start] = readInteger(bytes, at + 1);
    if (bytes[at] === IMPORTS) {
      const imports = sharedImport(bytes.subarray(start, start + length));
      return Uint8Array.from([
        ...bytes.subarray(0, at),
        ...[IMPORTS, imports.length, ...imports],
        ...bytes.subarray(start + length),
      ]);
    }
    at = start + length;
  }
  return bytes;
}

/** The section of imports, which must have one: a count, two names with their lengths, a kind, flags, and the number of pages. */
function sharedImport(imports: Uint8Array): number[] {
  const field = 2 + imports[1]!;
  const kind = field + 1 + imports[field]!;
  if (imports[0] !== 1 || imports[kind] !== MEMORY) {
    throw new TypeError("Cannot load the kernels: the module must import the memory, env.memory, and nothing else");
  }
  const [, end] = readInteger(imports, kind + 2);
  return [...imports.subarray(0, kind + 1), SHARED, ...imports.subarray(kind + 2, end), ...MAXIMUM];
}

/** An unsigned number in LEB128, and the position after it. */
function readInteger(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let shift = 0;; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}
