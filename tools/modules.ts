/** Which file each exported name of the workspace leads to. */

import type { Plugin } from "esbuild";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../", import.meta.url);

/** Returns the file of each exported name, such as `@unfold/core/kernels`, by its path from the root. */
export async function moduleFiles(): Promise<ReadonlyMap<string, string>> {
  const read = async (path: string) => JSON.parse(await Deno.readTextFile(new URL(path, ROOT)));
  const { workspace } = await read("deno.json") as { workspace: readonly string[] };
  const files = new Map<string, string>();
  for (const folder of workspace) {
    const { name, exports } = await read(`${folder}/deno.json`) as {
      name?: string;
      exports?: string | Record<string, string>;
    };
    if (name === undefined || exports === undefined) continue;
    for (const [path, file] of Object.entries(typeof exports === "string" ? { ".": exports } : exports)) {
      files.set(name + path.slice(1), `${folder}/${file.replace("./", "")}`);
    }
  }
  return files;
}

/** An esbuild plugin that resolves the library's modules. */
export async function resolveModules(): Promise<Plugin> {
  const files = await moduleFiles();
  return {
    name: "modules",
    setup(build) {
      build.onResolve({ filter: /^@unfold\// }, ({ path }) => {
        const file = files.get(path);
        if (file !== undefined) return { path: fileURLToPath(new URL(file, ROOT)) };
        return { errors: [{ text: `Cannot resolve ${path}: no module exports it` }] };
      });
    },
  };
}
