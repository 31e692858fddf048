import { empty } from "./create.ts";
import { addBlas, type Blas, gemm, removeBlas, rightOperand } from "./gemm.ts";
import { openLibrary } from "./libraries.ts";
import { blasOpener } from "./blas_library.ts";
import { scope } from "./scope.ts";

/** The usual paths of OpenBLAS: absolute ones, so that `--allow-ffi=PATH` can name one. */
const PLACES = [
  "/usr/lib/x86_64-linux-gnu/libopenblas.so.0",
  "/usr/lib/aarch64-linux-gnu/libopenblas.so.0",
  "/usr/lib64/libopenblas.so.0",
  "/usr/lib/libopenblas.so.0",
  "/usr/local/lib/libopenblas.so.0",
  "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
  "/usr/local/opt/openblas/lib/libopenblas.dylib",
];

/** A BLAS in use. Disposing it switches back to the one before, or to the WebAssembly kernels. */
export interface BlasInUse extends Disposable {
  /** The library's path. */
  readonly path: string;
}

/**
 * Computes all but small matrix products with the system's OpenBLAS, which has wider vectors than WebAssembly.
 * It works on the same memory, without copying. {@linkcode useThreads} says on how many threads: each computes its own rows or
 * columns of a product. Unlike those of the WebAssembly kernels, results then differ in their last bits between numbers of
 * threads. Deno needs `--allow-ffi`, or `--allow-ffi=PATH` with the library's
 * absolute path. Node and Bun need the npm package koffi. Browsers have no libraries of the system.
 *
 * @param path The library's path. If omitted, the usual paths are tried.
 * @returns The BLAS in use, to dispose when done.
 * @throws {Error} If the library is not found, may not be loaded, or computes a wrong product. The WebAssembly kernels then
 * stay in use. Or if the runtime cannot open it: outside Deno if koffi is not installed, and in browsers.
 *
 * @example
 * ```ts ignore
 * import { useBlas } from "@unfold/core";
 *
 * using blas = useBlas();
 * console.log(blas.path);
 * ```
 */
export function useBlas(path?: string): BlasInUse {
  const { library, path: found } = openLibrary({
    doing: "use BLAS",
    name: "OpenBLAS",
    paths: path === undefined ? PLACES : [path],
    open: blasOpener(import.meta.url).open,
  });
  const { sgemm, setThreads, addressOf } = library;
  // Its own threads would compete with ours.
  const blas: Blas = { path: found, sgemm, addressOf, activate: () => setThreads(1) };
  addBlas(blas);
  const stop = () => {
    if (removeBlas(blas)) library.close();
  };
  try {
    checkProduct(found);
  } catch (error) {
    stop();
    throw error;
  }
  return { path: found, [Symbol.dispose]: stop };
}

/** Computes a product of small integers, which is exact in 32-bit floats, and compares it. */
function checkProduct(path: string): void {
  using _ = scope();
  const n = 32;
  const [a, b, c] = [empty([n, n]), empty([n, n]), empty([n, n])];
  a.data.forEach((_, i, data) => data[i] = i % 7 - 3);
  b.data.forEach((_, i, data) => data[i] = i % 5 - 2);
  c.data.fill(1);
  const right = rightOperand({ k: n, n, offset: b.offset, stride: n, transposed: true });
  gemm({ m: n, a: a.offset, aStride: n, b: right, c: c.offset, cStride: n, accumulate: true });
  const [left, other] = [a.data, b.data];
  c.data.forEach((value, at) => {
    let expected = 1;
    for (let k = 0; k < n; k++) expected += left[Math.floor(at / n) * n + k]! * other[at % n * n + k]!;
    if (value !== expected) {
      throw new Error(
        `Cannot use BLAS: ${path} must compute products correctly, got ${value} instead of ${expected}`,
      );
    }
  });
}
