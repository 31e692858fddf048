import { useBlas } from "@unfold/core";

/** Uses OpenBLAS, or says why not and goes on without: the result is the same, only later. */
export function tryBlas(
  library: string | true,
  { quiet = false, ...options }: { readonly threads?: number; readonly quiet?: boolean } = {},
): void {
  const say = (text: string) => quiet || console.error(text);
  try {
    say(`matrix products by ${useBlas(library === true ? undefined : library, options).path}`);
  } catch (error) {
    say(`${(error as Error).message}; going on with WebAssembly`);
  }
}
