/** `cblas_sgemm`, with pointers as numbers. */
export type Sgemm = (
  order: number,
  transposeA: number,
  transposeB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  lda: number,
  b: number,
  ldb: number,
  beta: number,
  c: number,
  ldc: number,
) => void;

/** The functions of an opened BLAS. */
export interface BlasLibrary {
  readonly sgemm: Sgemm;
  setThreads(count: number): void;
  /** The address of a buffer's first byte. */
  addressOf(buffer: Uint8Array<ArrayBuffer>): number;
  close(): void;
}

/** The part of koffi that is used: https://koffi.dev. */
interface Koffi {
  load(path: string): { func<F>(name: string, result: string, parameters: readonly string[]): F; unload(): void };
}

/** Node's way to load packages, which Bun has too. */
interface Process {
  getBuiltinModule?(name: "node:module"): { createRequire(from: string): (name: string) => unknown };
}

/**
 * What opens a BLAS: Deno itself, and in Node and Bun the npm package koffi, since they have no stable functions for that.
 *
 * The program of other threads has the text of this function, so it must not use anything outside itself, and its inner
 * functions are methods: see `replay`.
 *
 * @param from The address of the module that koffi is loaded for.
 * @throws {Error} If koffi is not installed, or the runtime is a browser.
 */
export function blasOpener(from: string): { open(path: string): BlasLibrary } {
  // `memcpy` is the C library's: copying zero bytes returns the buffer's address. Deno's own way needs permission for all
  // libraries.
  if (typeof Deno !== "undefined") {
    const parameters: Deno.NativeType[] = ["i32", "i32", "i32", "i32", "i32", "i32"];
    parameters.push("f32", "usize", "i32", "usize", "i32", "f32", "usize", "i32");
    return {
      open(path) {
        const library = Deno.dlopen(path, {
          cblas_sgemm: { parameters, result: "void" },
          openblas_set_num_threads: { parameters: ["i32"], result: "void" },
          memcpy: { parameters: ["buffer", "usize", "usize"], result: "usize", optional: true },
        });
        const { cblas_sgemm, openblas_set_num_threads, memcpy } = library.symbols;
        return {
          sgemm: cblas_sgemm as unknown as Sgemm,
          setThreads: openblas_set_num_threads,
          addressOf(buffer) {
            return Number(memcpy?.(buffer, 0n, 0n) ?? Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
          },
          close() {
            library.close();
          },
        };
      },
    };
  }
  const { process } = globalThis as { process?: Process };
  const modules = process?.getBuiltinModule?.("node:module");
  if (modules === undefined) {
    throw new Error("Cannot use BLAS: the runtime must be Deno, Node or Bun, which can open libraries of the system");
  }
  let koffi: Koffi;
  try {
    koffi = modules.createRequire(from)("koffi") as Koffi;
  } catch (cause) {
    throw new Error("Cannot use BLAS: outside Deno, the package koffi must be installed; run `npm install koffi`", {
      cause,
    });
  }
  const address = "uintptr_t";
  const parameters = ["int", "int", "int", "int", "int", "int"];
  parameters.push("float", address, "int", address, "int", "float", address, "int");
  return {
    open(path) {
      const library = koffi.load(path);
      const memcpy = library.func<(buffer: Uint8Array, from: number, size: number) => number | bigint>(
        "memcpy",
        address,
        ["void *", address, "size_t"],
      );
      return {
        sgemm: library.func("cblas_sgemm", "void", parameters),
        setThreads: library.func("openblas_set_num_threads", "void", ["int"]),
        addressOf(buffer) {
          return Number(memcpy(buffer, 0, 0));
        },
        close() {
          library.unload();
        },
      };
    },
  };
}
