import { useBlas } from "@unfold/core";

/** Uses OpenBLAS, or says why not and goes on without: the result is the same, only later. */
export function tryBlas(library: string | true, options: { readonly threads?: number } = {}): void {
  try {
    console.error(`matrix products by ${useBlas(library === true ? undefined : library, options).path}`);
  } catch (error) {
    console.error(`${(error as Error).message}; going on with WebAssembly`);
  }
}
