/** Maps the exported names of the workspace to files. */

import type { Plugin } from "esbuild";
import { fileURLToPath } from "node:url";
import core from "../core/deno.json" with { type: "json" };
import distributed from "../distributed/deno.json" with { type: "json" };
import plugin from "../examples/plugin/deno.json" with { type: "json" };
import layers from "../layers/deno.json" with { type: "json" };
import optimizers from "../optimizers/deno.json" with { type: "json" };
import training from "../training/deno.json" with { type: "json" };

const MEMBERS = { core, layers, optimizers, training, distributed, "examples/plugin": plugin };

/** The file behind each exported name, such as `@unfold/core/kernels`, as a path from the root. */
export const MODULE_FILES: ReadonlyMap<string, string> = new Map(
  Object.entries(MEMBERS).flatMap(([folder, { name, exports }]) =>
    Object.entries(typeof exports === "string" ? { ".": exports } : exports)
      .map(([path, file]) => [name + path.slice(1), `${folder}/${file.replace("./", "")}`] as const)
  ),
);

/** Returns an esbuild plugin that resolves the library's modules. */
export function resolveModules(): Plugin {
  return {
    name: "modules",
    setup(build) {
      build.onResolve({ filter: /^@unfold\// }, ({ path }) => {
        const file = MODULE_FILES.get(path);
        if (file !== undefined) return { path: fileURLToPath(new URL(`../${file}`, import.meta.url)) };
        return { errors: [{ text: `Cannot resolve ${path}: no module exports it` }] };
      });
    },
  };
}
