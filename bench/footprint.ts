/**
 * Bundles what a browser loads to train a network, from the npm packages, and compares the size, minified and compressed,
 * with TensorFlow.js and jax-js.
 *
 *     deno task bench footprint
 *
 * @module
 */

import { build, stop } from "esbuild";
import { gzipSync } from "node:zlib";
import { table } from "../apps/shared/format.ts";
import { buildPackages } from "../tools/npm.ts";

const ROOT = new URL("../", import.meta.url);

/** A bundle: a program, the packages that it needs, and files that it loads at run time. */
interface Bundle {
  readonly name: string;
  readonly source: string;
  readonly packages?: Readonly<Record<string, string>>;
  readonly extra?: readonly string[];
}

const TFJS = "4.22.0";
/** The README's first program. */
const PROGRAM = /^```ts\n([^]*?)^```/m.exec(await Deno.readTextFile(new URL("README.md", ROOT)))![1]!;
const BUNDLES: readonly Bundle[] = [
  { name: "the metric accuracy", source: 'export { accuracy } from "@unfold/training";' },
  { name: "a Dense layer", source: 'export { Dense } from "@unfold/layers";' },
  { name: "the README's program", source: PROGRAM },
  { name: "@unfold/core", source: 'export * from "@unfold/core";' },
  {
    name: "an LSTM and Adam",
    source:
      'export { LSTM, Dense, LastStep, Sequential, meanSquaredError } from "@unfold/layers"; export { Optimizer, adam } from "@unfold/optimizers";',
  },
  {
    name: "all of core, layers, optimizers and training",
    source: ["core", "layers", "optimizers", "training"].map((name) => `export * as ${name} from "@unfold/${name}";`)
      .join("\n"),
  },
  {
    name: "jax-js",
    source: 'export * from "@jax-js/jax";',
    packages: { "@jax-js/jax": "0.1.25" },
  },
  {
    name: "tfjs, JavaScript only",
    source: 'export * from "@tensorflow/tfjs";',
    packages: { "@tensorflow/tfjs": TFJS },
  },
  {
    name: "tfjs with WebAssembly",
    source: 'export * from "@tensorflow/tfjs"; import "@tensorflow/tfjs-backend-wasm";',
    packages: { "@tensorflow/tfjs": TFJS, "@tensorflow/tfjs-backend-wasm": TFJS },
    extra: ["@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"],
  },
];

/** A folder with the built packages in its node_modules. */
const packed = await Deno.makeTempDir();

/** Builds a bundle; returns its bytes, minified, and also compressed. */
async function sizeOf({ source, packages, extra = [] }: Bundle): Promise<{ minified: number; gzip: number }> {
  const folder = await Deno.makeTempDir();
  try {
    if (packages !== undefined) {
      await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ dependencies: packages }));
      await new Deno.Command(Deno.execPath(), { args: ["install", "--quiet"], cwd: folder }).output();
    }
    const { outputFiles } = await build({
      stdin: { contents: source, resolveDir: packages === undefined ? packed : folder },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "error",
    });
    const parts = [
      ...outputFiles!.map(({ contents }) => contents),
      ...await Promise.all(extra.map((file) => Deno.readFile(`${folder}/node_modules/${file}`))),
    ];
    const total = (of: (part: Uint8Array) => number) => parts.reduce((sum, part) => sum + of(part), 0);
    return { minified: total(({ length }) => length), gzip: total((part) => gzipSync(part, { level: 9 }).length) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const kibibytes = (bytes: number) => (bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0);
const rows: string[][] = [];
try {
  await buildPackages(`${packed}/node_modules/@unfold`);
  for (const bundle of BUNDLES) {
    const { minified, gzip } = await sizeOf(bundle);
    rows.push([bundle.name, kibibytes(minified), kibibytes(gzip)]);
  }
} finally {
  await stop();
  await Deno.remove(packed, { recursive: true });
}
console.log(table(["KiB for a browser", "minified", "gzip"], rows));
