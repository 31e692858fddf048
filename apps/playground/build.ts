/**
 * Builds the playground into `dist/`: static files that any server can hand out.
 *
 *     deno task playground:build
 *
 * @module
 */

import { build, stop } from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { resolveModules } from "../../tools/resolve_modules.ts";
import { DIST } from "./dist.ts";
import { writeData } from "./write_data.ts";

const HERE = new URL("./", import.meta.url);
const ROOT = new URL("../../", HERE);

/** A file of the build, and its size in bytes as it is sent, compressed. */
export interface BuiltFile {
  readonly name: string;
  readonly gzip: number;
}

/** Builds the page into a folder; returns its scripts and its style sheet. */
export async function buildPlayground(folder: URL): Promise<BuiltFile[]> {
  await Deno.mkdir(folder, { recursive: true });
  const path = (name: string) => fileURLToPath(new URL(name, HERE));
  try {
    await build({
      entryPoints: {
        main: path("page/main.ts"),
        worker: path("worker/worker.ts"),
        style: path("style.css"),
      },
      outdir: fileURLToPath(folder),
      bundle: true,
      minify: true,
      format: "esm",
      target: ["es2022"],
      absWorkingDir: fileURLToPath(ROOT),
      plugins: [await resolveModules(ROOT)],
      logLevel: "warning",
    });
  } finally {
    await stop();
  }
  for (const name of ["index.html", "icon.svg"]) await Deno.copyFile(new URL(name, HERE), new URL(name, folder));
  await writeData(new URL("data/", folder), ROOT);
  const sizes = ["main.js", "worker.js", "style.css"].map(async (name) => {
    const content = await Deno.readFile(new URL(name, folder));
    return { name, gzip: gzipSync(content, { level: 9 }).length };
  });
  return await Promise.all(sizes);
}

if (import.meta.main) {
  for (const { name, gzip } of await buildPlayground(DIST)) {
    console.log(`${name.padEnd(9)} ${(gzip / 1024).toFixed(1).padStart(5)} KiB compressed`);
  }
}
