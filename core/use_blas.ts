import { activeBlas, type Blas, setBlas, type Sgemm } from "./_blas.ts";
import { empty } from "./empty.ts";
import { gemm, rightOperand } from "./gemm.ts";
import { scope } from "./scope.ts";

/** Where systems keep OpenBLAS. Absolute paths, so that `--allow-ffi=PATH` can name one. */
const PLACES = [
  "/usr/lib/x86_64-linux-gnu/libopenblas.so.0",
  "/usr/lib/aarch64-linux-gnu/libopenblas.so.0",
  "/usr/lib64/libopenblas.so.0",
  "/usr/lib/libopenblas.so.0",
  "/usr/local/lib/libopenblas.so.0",
  "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
  "/usr/local/opt/openblas/lib/libopenblas.dylib",
];

const SYMBOLS = {
  cblas_sgemm: {
    parameters: [
      "i32",
      "i32",
      "i32",
      "i32",
      "i32",
      "i32",
      "f32",
      "usize",
      "i32",
      "usize",
      "i32",
      "f32",
      "usize",
      "i32",
    ],
    result: "void",
  },
  openblas_set_num_threads: { parameters: ["i32"], result: "void" },
  // From the C library below it. Copying nothing returns the address of a buffer; Deno's own way to it would need the
  // permission for all libraries.
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "usize", optional: true },
} as const;

/** Options for {@linkcode useBlas}. */
export interface UseBlasOptions {
  /**
   * How many threads the library may use for one product.
   *
   * @default {1}
   */
  threads?: number;
}

/** A BLAS in use; disposing of it goes back to the WebAssembly kernels. */
export interface BlasInUse extends Disposable {
  /** The library's path. */
  readonly path: string;
  /** How many threads it may use. */
  readonly threads: number;
}

/**
 * Hands matrix products, but for small ones, to the system's OpenBLAS, which has wider vectors and more threads than
 * WebAssembly. It works on the same memory and copies nothing. Needs `--allow-ffi`, or `--allow-ffi=PATH` with the library's
 * absolute path.
 *
 * @param path The library; it is looked for in the usual places where this is left out.
 * @returns What is in use.
 * @throws {RangeError} If `threads` is no integer of 1 or more.
 * @throws {Error} If the library is not found, must not be loaded, or computes a wrong product. The WebAssembly kernels then
 * go on.
 *
 * @example
 * ```ts ignore
 * import { useBlas } from "@unfold/core";
 *
 * using blas = useBlas(undefined, { threads: 2 });
 * console.log(blas.path);
 * ```
 */
export function useBlas(path?: string, options: UseBlasOptions = {}): BlasInUse {
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(`Cannot use BLAS: threads must be an integer of 1 or more, got ${threads}`);
  }
  const { library, found } = open(path === undefined ? PLACES : [path]);
  library.symbols.openblas_set_num_threads(threads);
  const before = activeBlas();
  const { cblas_sgemm, memcpy } = library.symbols;
  const blas: Blas = {
    sgemm: cblas_sgemm as unknown as Sgemm,
    addressOf: (buffer) =>
      Number(memcpy === null ? Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)) : memcpy(buffer, 0n, 0n)),
  };
  setBlas(blas);
  try {
    checkProduct(found);
  } catch (error) {
    setBlas(before);
    library.close();
    throw error;
  }
  return {
    path: found,
    threads,
    [Symbol.dispose]() {
      if (activeBlas() === blas) setBlas(undefined);
      library.close();
    },
  };
}

function open(paths: readonly string[]): { library: Deno.DynamicLibrary<typeof SYMBOLS>; found: string } {
  if (typeof Deno === "undefined" || Deno.dlopen === undefined) {
    throw new Error("Cannot use BLAS: the runtime must be Deno, which can call libraries of the system");
  }
  const problems: string[] = [];
  for (const found of paths) {
    try {
      return { library: Deno.dlopen(found, SYMBOLS), found };
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new Error(`Cannot use BLAS: ${error.message}`, { cause: error });
      }
      problems.push((error as Error).message);
    }
  }
  throw new Error(
    paths.length === 1
      ? `Cannot use BLAS: ${problems[0]}`
      : `Cannot use BLAS: OpenBLAS must be installed, or its path be given; it is in none of ${paths.join(", ")}`,
  );
}

/** Compares a product whose value is known: small integers are exact in 32-bit floats. */
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
        `Cannot use BLAS: ${path} must compute a product rightly, got ${value} where ${expected} is right`,
      );
    }
  });
}
