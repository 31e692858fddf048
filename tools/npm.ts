/**
 * Builds the npm packages into `npm/`: of the library's modules as ES2022 modules, declarations and source maps, one file for
 * each source; of the apps as the command `unfold`.
 *
 *     deno task npm            # another folder as an argument
 *
 * esbuild translates, because it lowers `using`, which Node 22 does not know; `deno pack` keeps it, and leaves out
 * dependencies, engines and the license. TypeScript writes the declarations.
 *
 * @module
 */

import { build, type Plugin, stop } from "esbuild";
import { fileURLToPath } from "node:url";
import apps from "../apps/deno.json" with { type: "json" };
import core from "../core/deno.json" with { type: "json" };
import root from "../deno.json" with { type: "json" };
import distributed from "../distributed/deno.json" with { type: "json" };
import layers from "../layers/deno.json" with { type: "json" };
import optimizers from "../optimizers/deno.json" with { type: "json" };
import training from "../training/deno.json" with { type: "json" };
import { FILE_WITH_EFFECTS, MODULE_FILES } from "./modules.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const MEMBERS = { core, layers, optimizers, training, distributed };

/** What the declarations need beyond ES2022: `using`, and the types of WebAssembly and events. */
const LIBRARIES = '/// <reference lib="esnext.disposable" />\n/// <reference lib="dom" />\n';

/** Files end in `.js` once they are translated, also where they import each other. */
function withEndings(text: string): string {
  return text.replaceAll(/(^|\n)((?!\s*\*).*(?:from|import)[ (]"\.[^"\n]*)\.ts"/g, '$1$2.js"');
}

/** The paths of a module's sources, without what is not published. */
function* sourcesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory && !["testdata", "kernels", "docs"].includes(name)) yield* sourcesIn(path);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield path;
  }
}

/** Writes the declarations of sources into a folder, each under its source's path. */
async function declare(sources: readonly string[], folder: string): Promise<void> {
  const compilerOptions = {
    ...{ declaration: true, emitDeclarationOnly: true, stripInternal: true, rootDir: ROOT, outDir: folder },
    ...{ target: "es2022", lib: ["esnext", "dom"], module: "esnext", moduleResolution: "bundler", types: [] },
    // `deno check` has done it.
    noCheck: true,
    allowImportingTsExtensions: true,
    paths: Object.fromEntries([...MODULE_FILES].map(([name, file]) => [name, [`${ROOT}${file}`]])),
  };
  const config = { compilerOptions, files: sources.map((path) => `${ROOT}${path}`) };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/tsconfig.json`, JSON.stringify(config));
  const args = ["run", "--allow-all", `${ROOT}node_modules/typescript/bin/tsc`, "-p", folder];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) {
    throw new Error(`Cannot declare the packages: tsc must succeed, got ${new TextDecoder().decode(stdout)}`);
  }
}

/** The first paragraph of a README, in one line. */
function descriptionIn(readme: string): string {
  return readme.split("\n\n")[1]!.replaceAll(/\s+/g, " ").replaceAll(/`|\[([^\]]*)\]\([^)]*\)/g, "$1");
}

/** A package's `exports`: for each path, the declarations and the module. */
function exportsOf(exports: string | Readonly<Record<string, string>>): Record<string, unknown> {
  const files = typeof exports === "string" ? { ".": exports } : exports;
  const both = (file: string) => ({ types: file.replace(/\.ts$/, ".d.ts"), default: file.replace(/\.ts$/, ".js") });
  return {
    ...Object.fromEntries(Object.entries(files).map(([path, file]) => [path, both(file)])),
    "./package.json": "./package.json",
  };
}

/** Builds one package, from its declarations among others. */
async function buildPackage(folder: keyof typeof MEMBERS, declarations: string, out: string): Promise<void> {
  const { version, exports } = MEMBERS[folder];
  const sources = [...sourcesIn(folder)];
  const { outputFiles } = await build({
    entryPoints: sources,
    absWorkingDir: ROOT,
    outbase: folder,
    outdir: out,
    write: false,
    format: "esm",
    target: "es2022",
    sourcemap: true,
    logLevel: "warning",
  });
  const files = new Map(outputFiles.map(({ path, text }) => [path, withEndings(text)]));
  for (const path of sources) {
    const declaration = path.replace(/\.ts$/, ".d.ts");
    const text = await Deno.readTextFile(`${declarations}/${declaration}`);
    files.set(`${out}${declaration.slice(folder.length)}`, LIBRARIES + withEndings(text));
  }
  const imported = [...files].flatMap(([path, text]) =>
    path.endsWith(".map") ? [] : [...text.matchAll(/^(?!\s*\*).*from "(@unfold\/\w+)/gm)].map(([, from]) => from!)
  );
  await writePackage(folder, out, files, {
    exports: exportsOf(exports),
    // The guard against a second copy of core, and `Symbol.dispose`.
    sideEffects: folder === "core" ? [`./${FILE_WITH_EFFECTS}.js`] : false,
    // For `useBlas` outside Deno.
    ...(folder === "core" && {
      peerDependencies: { koffi: "^3.3.4" },
      peerDependenciesMeta: { koffi: { optional: true } },
    }),
    ...(imported.length > 0 && {
      peerDependencies: Object.fromEntries([...new Set(imported)].sort().map((peer) => [peer, version])),
    }),
  });
}

/** Writes the files of a package, with what all packages have, and `more` for its package.json. */
async function writePackage(
  folder: string,
  out: string,
  files: Map<string, string>,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { version, license } = core;
  const readme = await Deno.readTextFile(`${ROOT}${folder}/README.md`);
  const about = { name: `@unfold/${folder}`, version, description: descriptionIn(readme), license };
  const manifest = { ...about, type: "module", engines: { node: ">=22" }, ...more };
  files.set(`${out}/README.md`, readme);
  files.set(`${out}/LICENSE`, await Deno.readTextFile(`${ROOT}LICENSE`));
  files.set(`${out}/package.json`, JSON.stringify(manifest, null, 2) + "\n");
  for (const [path, text] of files) {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
}

/** Puts data sets into a bundle as texts, since Node cannot import them. Finds them as Deno does. */
const dataSets: Plugin = {
  name: "data sets",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.(csv|txt)$/ }, ({ path }) => {
      const [prefix, folder] = Object.entries(apps.imports).find(([prefix]) =>
        prefix.endsWith("/") && path.startsWith(prefix)
      )!;
      return { path: `${ROOT}apps/${folder}${path.slice(prefix.length)}` };
    });
    onLoad({ filter: /\.(csv|txt)$/ }, async ({ path }) => ({
      contents: await Deno.readTextFile(path),
      loader: "text",
    }));
  },
};

/** Builds the package of the apps: their sources and data sets in a few files, and the packages that they import. */
async function buildApps(out: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: { unfold: "apps/main.ts" },
    absWorkingDir: ROOT,
    outdir: out,
    write: false,
    bundle: true,
    splitting: true,
    packages: "external",
    // The former adds only types to the latter.
    alias: { "@commander-js/extra-typings": "commander" },
    format: "esm",
    target: "es2022",
    plugins: [dataSets],
    logLevel: "warning",
  });
  const files = new Map(outputFiles.map(({ path, text }) => [path, text]));
  const text = [...files.values()].join("\n");
  const isImported = (name: string) => new RegExp(`(?:from |import |import\\(|load\\()"${name}["/]`).test(text);
  const versions = Object.entries({ ...root.imports, ...apps.imports })
    .flatMap(([, from]) => [...from.matchAll(/^npm:(@?[^@]*)@([^/]*)/g)].map(([, name, version]) => [name!, version!]));
  const library = Object.values(MEMBERS).map(({ name, version }) => [name, version]);
  const dependencies = Object.fromEntries([...versions, ...library].filter(([name]) => isImported(name!)).sort());
  await writePackage("apps", out, files, { bin: { unfold: "unfold.js" }, dependencies });
}

/** Builds all packages into a folder, given by its absolute path: one subfolder each. */
export async function buildPackages(out: string): Promise<void> {
  const folders = Object.keys(MEMBERS) as (keyof typeof MEMBERS)[];
  const declarations = `${out}/.declarations`;
  await Deno.remove(out, { recursive: true }).catch(() => {});
  try {
    await declare(folders.flatMap((folder) => [...sourcesIn(folder)]), declarations);
    for (const folder of folders) await buildPackage(folder, declarations, `${out}/${folder}`);
    await buildApps(`${out}/apps`);
  } finally {
    await stop();
    await Deno.remove(declarations, { recursive: true });
  }
}

if (import.meta.main) await buildPackages(Deno.args[0] ?? `${ROOT}npm`);
