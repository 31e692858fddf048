/** Maps the exported names of the workspace to files. */

import type { Plugin } from "esbuild";
import { dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import core from "../core/deno.json" with { type: "json" };
import distributed from "../distributed/deno.json" with { type: "json" };
import cell from "../examples/cell/deno.json" with { type: "json" };
import plugin from "../examples/plugin/deno.json" with { type: "json" };
import layers from "../layers/deno.json" with { type: "json" };
import optimizers from "../optimizers/deno.json" with { type: "json" };
import training from "../training/deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LIBRARY = new Set(["core", "layers", "optimizers", "training", "distributed"]);
const MEMBERS = { core, layers, optimizers, training, distributed, "examples/plugin": plugin, "examples/cell": cell };

/** The file behind each exported name, such as `@unfold/core/kernels`, as a path from the root. */
export const MODULE_FILES: ReadonlyMap<string, string> = new Map(
  Object.entries(MEMBERS).flatMap(([folder, { name, exports }]) =>
    Object.entries(typeof exports === "string" ? { ".": exports } : exports)
      .map(([path, file]) => [name + path.slice(1), `${folder}/${file.replace("./", "")}`] as const)
  ),
);

/** The one file that does something when it is loaded: it checks that a program has one copy of core. */
export const FILE_WITH_EFFECTS = "_program";

/**
 * Returns an esbuild plugin that resolves the library's modules. As in the npm packages, files whose exports are not used are
 * left out.
 */
export function resolveModules(): Plugin {
  return {
    name: "modules",
    setup(build) {
      build.onResolve({ filter: /^@unfold\// }, ({ path }) => {
        const file = MODULE_FILES.get(path);
        if (file !== undefined) {
          return { path: fileURLToPath(new URL(`../${file}`, import.meta.url)), sideEffects: false };
        }
        return { errors: [{ text: `Cannot resolve ${path}: no module exports it` }] };
      });
      build.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path, importer }) => {
        const folder = relative(ROOT, importer).split(sep)[0]!;
        if (!LIBRARY.has(folder)) return undefined;
        return { path: resolve(dirname(importer), path), sideEffects: path.endsWith(`/${FILE_WITH_EFFECTS}.ts`) };
      });
    },
  };
}
