import type { Plugin } from "esbuild";
import { fileURLToPath } from "node:url";

/** The library's modules by their names, as their packages export them. */
export async function resolveModules(root: URL): Promise<Plugin> {
  const modules = new Map<string, string>();
  for (const folder of ["core", "layers", "optimizers", "training", "distributed"]) {
    const text = await Deno.readTextFile(new URL(`${folder}/deno.json`, root));
    const { name, exports } = JSON.parse(text) as { name: string; exports: string | Record<string, string> };
    for (const [path, file] of Object.entries(typeof exports === "string" ? { ".": exports } : exports)) {
      modules.set(name + path.slice(1), fileURLToPath(new URL(`${folder}/${file}`, root)));
    }
  }
  return {
    name: "modules",
    setup(build) {
      build.onResolve({ filter: /^@unfold\// }, ({ path }) => {
        const found = modules.get(path);
        return found === undefined ? { errors: [{ text: `No module exports ${path}` }] } : { path: found };
      });
    },
  };
}
