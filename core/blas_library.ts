import type { Sgemm } from "./gemm.ts";
import { nodeModule } from "./threads.ts";

/** The functions of an opened BLAS. */
export interface BlasLibrary {
  readonly sgemm: Sgemm;
  setThreads(count: number): void;
  /** The address of a buffer's first byte. */
  addressOf(buffer: Uint8Array<ArrayBuffer>): number;
  close(): void;
}

// `memcpy` is the C library's: copying zero bytes returns the buffer's address. Deno's own way needs permission for all
// libraries.
const SGEMM = ["i32", "i32", "i32", "i32", "i32", "i32", "f32", "usize", "i32", "usize", "i32", "f32", "usize", "i32"];
const SYMBOLS = {
  cblas_sgemm: { parameters: SGEMM as Deno.NativeType[], result: "void" },
  openblas_set_num_threads: { parameters: ["i32"], result: "void" },
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "usize", optional: true },
} as const;

/** Opens a library in Deno. */
export function openInDeno(path: string): BlasLibrary {
  const library = Deno.dlopen(path, SYMBOLS);
  const { cblas_sgemm, openblas_set_num_threads, memcpy } = library.symbols;
  return {
    sgemm: cblas_sgemm as unknown as Sgemm,
    setThreads: openblas_set_num_threads,
    addressOf: (buffer) =>
      Number(memcpy === null ? Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)) : memcpy(buffer, 0n, 0n)),
    close: () => library.close(),
  };
}

/** The part of koffi that is used: https://koffi.dev. */
interface Koffi {
  load(path: string): { func<F>(name: string, result: string, parameters: readonly string[]): F; unload(): void };
}

const C_TYPES: Readonly<Record<string, string>> = { i32: "int", f32: "float", usize: "uintptr_t" };

/**
 * What opens a library in Node and Bun: the npm package koffi, since they have no stable functions for that.
 *
 * @throws {Error} If it is not installed, or the runtime is a browser.
 */
export function openWithKoffi(): (path: string) => BlasLibrary {
  const modules = nodeModule("node:module");
  if (modules === undefined) {
    throw new Error("Cannot use BLAS: the runtime must be Deno, Node or Bun, which can open libraries of the system");
  }
  let koffi: Koffi;
  try {
    koffi = modules.createRequire(import.meta.url)("koffi") as Koffi;
  } catch (cause) {
    throw new Error("Cannot use BLAS: outside Deno, the package koffi must be installed; run `npm install koffi`", {
      cause,
    });
  }
  return (path) => {
    const library = koffi.load(path);
    const memcpy = library.func<(buffer: Uint8Array, from: number, size: number) => number | bigint>(
      "memcpy",
      "uintptr_t",
      ["void *", "uintptr_t", "size_t"],
    );
    return {
      sgemm: library.func("cblas_sgemm", "void", SGEMM.map((type) => C_TYPES[type]!)),
      setThreads: library.func("openblas_set_num_threads", "void", ["int"]),
      addressOf: (buffer) => Number(memcpy(buffer, 0, 0)),
      close: () => library.unload(),
    };
  };
}
