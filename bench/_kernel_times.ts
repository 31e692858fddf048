/**
 * Measures the time inside kernels. Import this before anything that imports `@unfold/core`: it wraps the exports of all kernel
 * modules, and OpenBLAS's product.
 */

/** What the kernels of a step do. */
export const PARTS = ["products", "packing", "gates", "sums", "loss", "optimizer"] as const;
/** One of {@linkcode PARTS}. */
export type Part = typeof PARTS[number];

/** Milliseconds and calls by part, and the floating-point operations of the products. */
export interface KernelTimes {
  readonly milliseconds: Record<Part, number>;
  readonly operations: number;
}

// deno-lint-ignore no-explicit-any
type Kernel = (...args: any[]) => unknown;

/** Core's kernels by part; those that are not listed belong to the loss. */
const CORE: Readonly<Record<string, Part>> = {
  gemm: "products",
  pack: "packing",
  copyRows: "packing",
  copyStrided: "packing",
  swapAxes: "packing",
  add: "sums",
  sumInto: "sums",
  gatherRows: "sums",
  scatterAddRows: "sums",
};

const ZERO: Readonly<Record<Part, number>> = { products: 0, packing: 0, gates: 0, sums: 0, loss: 0, optimizer: 0 };
let isTiming = false;
let [milliseconds, calls, operations] = [{ ...ZERO }, { ...ZERO }, 0];

/** Wraps a kernel; `size` is the place of m, n and k among the arguments of a product. */
function timed(kernel: Kernel, part: Part, size?: number): Kernel {
  return (...args) => {
    if (!isTiming) return kernel(...args);
    const start = performance.now();
    const result = kernel(...args);
    milliseconds[part] += performance.now() - start;
    calls[part]++;
    if (size !== undefined) operations += 2 * args[size] * args[size + 1] * args[size + 2];
    return result;
  };
}

function partOf(exports: WebAssembly.Exports, name: string): Part {
  return "adam" in exports ? "optimizer" : "lstmForward" in exports ? "gates" : CORE[name] ?? "loss";
}

const { Instance } = WebAssembly;
WebAssembly.Instance = function (module: WebAssembly.Module, imports?: WebAssembly.Imports) {
  const { exports } = new Instance(module, imports);
  const wrapped = Object.entries(exports).map(([name, value]) => {
    const size = name === "gemm" ? 0 : undefined;
    return [name, typeof value === "function" ? timed(value as Kernel, partOf(exports, name), size) : value];
  });
  return { exports: Object.fromEntries(wrapped) };
} as unknown as typeof Instance;

const { dlopen } = Deno;
Deno.dlopen = ((path: string, symbols: Deno.ForeignLibraryInterface) => {
  const library = dlopen(path, symbols);
  const { cblas_sgemm, ...others } = library.symbols as Record<string, Kernel>;
  if (cblas_sgemm === undefined) return library;
  return { symbols: { ...others, cblas_sgemm: timed(cblas_sgemm, "products", 3) }, close: () => library.close() };
}) as typeof Deno.dlopen;

/** Runs a function and returns the time inside kernels, without what the clock itself takes. */
export function kernelTimes(f: () => void): KernelTimes {
  [milliseconds, calls, operations] = [{ ...ZERO }, { ...ZERO }, 0];
  isTiming = true;
  f();
  isTiming = false;
  const entries = PARTS.map((part) => [part, Math.max(0, milliseconds[part] - calls[part] * clock)] as const);
  return { milliseconds: Object.fromEntries(entries) as Record<Part, number>, operations };
}

/** Milliseconds that a timed call of an empty kernel takes. */
const clock = (() => {
  const empty = timed(() => 0, "loss");
  isTiming = true;
  let least = Infinity;
  for (let round = 0; round < 10; round++) {
    milliseconds.loss = 0;
    for (let i = 0; i < 10_000; i++) empty(0, 0, 0, 0, 0, 0, 0, 0, 0);
    least = Math.min(least, milliseconds.loss / 10_000);
  }
  isTiming = false;
  return least;
})();
