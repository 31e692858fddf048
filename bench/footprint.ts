/**
 * What a browser has to load to train a network, bundled, minified and compressed, beside the same with TensorFlow.js and
 * jax-js; and how long the apps take to start.
 *
 *     deno task bench:footprint
 *
 * @module
 */

import { build, stop } from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { table } from "../apps/shared/format.ts";
import { resolveModules } from "../tools/resolve_modules.ts";
import { median } from "./_measure.ts";

const ROOT = new URL("../", import.meta.url);
const STARTS = 15;

/** What is bundled: a program's imports, its packages, and files that it loads besides. */
interface Bundle {
  readonly name: string;
  readonly source: string;
  readonly packages?: Readonly<Record<string, string>>;
  readonly besides?: readonly string[];
}

const TFJS = "4.22.0";
const BUNDLES: readonly Bundle[] = [
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
    name: "tfjs, JavaScript alone",
    source: 'export * from "@tensorflow/tfjs";',
    packages: { "@tensorflow/tfjs": TFJS },
  },
  {
    name: "tfjs with WebAssembly",
    source: 'export * from "@tensorflow/tfjs"; import "@tensorflow/tfjs-backend-wasm";',
    packages: { "@tensorflow/tfjs": TFJS, "@tensorflow/tfjs-backend-wasm": TFJS },
    besides: ["@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"],
  },
];

/** Bytes of a bundle, minified, and those that are sent. */
async function sizeOf({ source, packages, besides = [] }: Bundle): Promise<{ minified: number; gzip: number }> {
  const folder = await Deno.makeTempDir();
  try {
    if (packages !== undefined) {
      await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ dependencies: packages }));
      await new Deno.Command(Deno.execPath(), { args: ["install", "--quiet"], cwd: folder }).output();
    }
    const { outputFiles } = await build({
      stdin: { contents: source, resolveDir: packages === undefined ? fileURLToPath(ROOT) : folder },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "browser",
      plugins: [await resolveModules(ROOT)],
      logLevel: "error",
    });
    const parts = [
      ...outputFiles!.map(({ contents }) => contents),
      ...await Promise.all(besides.map((file) => Deno.readFile(`${folder}/node_modules/${file}`))),
    ];
    const total = (of: (part: Uint8Array) => number) => parts.reduce((sum, part) => sum + of(part), 0);
    return { minified: total(({ length }) => length), gzip: total((part) => gzipSync(part, { level: 9 }).length) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Milliseconds until an app has told its options. */
async function startOf(app: string): Promise<number> {
  const start = performance.now();
  const args = ["run", "--no-prompt", "--allow-read", fileURLToPath(new URL(`apps/${app}/main.ts`, ROOT)), "--help"];
  const { success } = await new Deno.Command(Deno.execPath(), { args, stdout: "null", cwd: fileURLToPath(ROOT) })
    .output();
  if (!success) throw new Error(`Cannot measure: ${app} must tell its options`);
  return performance.now() - start;
}

const kibibytes = (bytes: number) => (bytes / 1024).toFixed(0);
const rows: string[][] = [];
for (const bundle of BUNDLES) {
  const { minified, gzip } = await sizeOf(bundle);
  rows.push([bundle.name, kibibytes(minified), kibibytes(gzip)]);
}
await stop();
console.log(table(["KiB for a browser", "minified", "gzip"], rows));

const starts: string[][] = [];
for (const app of ["stock", "text"]) {
  const times: number[] = [];
  for (let run = 0; run < STARTS; run++) times.push(await startOf(app));
  starts.push([app, median(times).toFixed(0), `${Math.min(...times).toFixed(0)}–${Math.max(...times).toFixed(0)}`]);
}
console.log(`\n${table(["ms until an app tells its options", "median", "range"], starts)}`);
