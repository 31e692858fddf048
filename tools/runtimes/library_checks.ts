/**
 * Runs the library's tests on Node and Bun: bundles each test file with the sources that it tests and a small stand-in for
 * Deno. Tests that start Deno are skipped. Run by `deno task test library`, with all permissions; a path's part as an argument
 * selects files.
 */

import { build, type Plugin, stop } from "esbuild";
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { resolveModules } from "../modules.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HERE = `${ROOT}tools/runtimes`;
const MODULES = ["core", "layers", "optimizers", "training", "distributed"];
const RUNTIMES = {
  "Node 22": "node-22/bin/node",
  "Node 24": "node-24/bin/node",
  "Bun 1.4": "@oven/bun-linux-x64/bin/bun",
};

/** Tests of what only Deno has: libraries of the system, the ranks of a program, imports over HTTP. */
const DENO_ONLY = /^core\/(blas|import|libraries|program)_test|^distributed\/(mpi|supervise)_test/;

/** Gives tests their `Deno`, not the library, and keeps the addresses of files. */
const adapt: Plugin = {
  name: "adapt",
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /^npm:/ }, ({ path, kind }) => {
      const name = path.replace(/^npm:((?:@[^/]*\/)?[^@/]*).*/, "$1");
      return resolve(name, { resolveDir: ROOT, kind, pluginData: "package" });
    });
    onResolve({ filter: /^fast-check$/ }, ({ pluginData }) => {
      return pluginData === "package" ? undefined : { path: `${ROOT}tools/fast_check.ts` };
    });
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await Deno.readTextFile(path);
      const isTest = path.endsWith("_test.ts") || path === `${ROOT}tools/testing.ts`;
      const own = isTest ? `import { Deno } from "${HERE}/deno_tests.ts";` : "";
      return { contents: own + source.replaceAll("import.meta.url", `"${pathToFileURL(path)}"`), loader: "ts" };
    });
  },
};

function* testsIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}${folder}`)) {
    if (isDirectory) yield* testsIn(`${folder}/${name}`);
    else if (name.endsWith("_test.ts")) yield `${folder}/${name}`;
  }
}

const tests = MODULES.flatMap((folder) => [...testsIn(folder)]).sort().filter((path) => !DENO_ONLY.test(path));
const selected = tests.filter((path) => path.includes(Deno.args[0] ?? ""));
/** Below the packages, so that bundles find those that cannot be bundled. */
const bundles = `${HERE}/node_modules/.tests`;

Deno.test("the tests are bundled", async () => {
  for (const path of selected) {
    const contents = `import "${ROOT}${path}"; import { runTests } from "${HERE}/deno_tests.ts"; await runTests();`;
    await build({
      stdin: { contents, resolveDir: ROOT },
      outfile: `${bundles}/${path}.mjs`,
      bundle: true,
      format: "esm",
      platform: "node",
      external: ["onnxruntime-node"],
      // Messages name classes.
      keepNames: true,
      target: "es2022",
      plugins: [adapt, resolveModules()],
      logLevel: "error",
    });
  }
  await stop();
});

for (const [runtime, program] of Object.entries(RUNTIMES)) {
  Deno.test(`${runtime} passes the library's tests`, async (t) => {
    const total = { passed: 0, failed: 0, skipped: 0 };
    for (const path of selected) {
      await t.step(path, async () => {
        const { success, stdout, stderr } = await new Deno.Command(`${HERE}/node_modules/${program}`, {
          args: [`${bundles}/${path}.mjs`],
          cwd: ROOT,
        }).output();
        const [text, problems] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
        const [passed, failed, skipped] =
          /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(text)?.slice(1).map(Number) ?? [];
        assert.ok(success && passed !== undefined, text + problems);
        total.passed += passed;
        total.failed += failed!;
        total.skipped += skipped!;
        assert.equal(failed, 0, problems);
      });
    }
    console.log(`${runtime}: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  });
}

Deno.test("the bundles are removed", () => Deno.remove(bundles, { recursive: true }));
