/**
 * Runs the programs of the READMEs with the installed npm packages: on Node, Bun and in Chromium, bundled by esbuild and
 * Vite. Checks their types and the packages themselves.
 */

import { build, stop } from "esbuild";
import assert from "node:assert/strict";
import { type Browser, chromium } from "playwright-core";
import { CHROMIUM } from "../../apps/playground/_open_browser.ts";
import { folder, HAS_RUNTIMES, NODE, PACKAGES, project, ROOT, run, RUNTIMES, tarballs, tool } from "./_project.ts";

const PAGES = ["README.md", ...PACKAGES.map((name) => `${name}/README.md`), "layers/interchange/README.md"];

/** The pages' programs by name. Those that use Deno's own functions run in Deno's tests only. */
const programs = new Map(PAGES.flatMap((page) => {
  const name = page.replace(/\/?README\.md$/, "").replaceAll("/", "_") || "readme";
  const blocks = [...Deno.readTextFileSync(`${ROOT}${page}`).matchAll(/^```ts\n([^]*?)^```/gm)];
  return blocks.map(([, code], i) => [`${name}_${i + 1}`, code!] as const).filter(([, code]) => !/\bDeno\./.test(code));
}));
const names = [...programs.keys()];
/** Browsers have no node:assert. */
const inBrowser = names.filter((name) => !programs.get(name)!.includes('from "node:'));

Deno.test("the programs are written into the project", async () => {
  for (const [name, source] of programs) await Deno.writeTextFile(`${project}/${name}.ts`, `${source}\nexport {};\n`);
  // Node 22 and browsers do not know `using`.
  const entryPoints = names.map((name) => `${project}/${name}.ts`);
  await build({ entryPoints, outdir: project, target: "es2022", format: "esm" }).finally(stop);
});

Deno.test("publint, arethetypeswrong and a dry run of npm publish find nothing", async (t) => {
  for (const name of tarballs) {
    await t.step(`publint ${name}`, () => run(project, NODE, tool("publint/src/cli.js"), "--strict", name));
    const wrong = tool("@arethetypeswrong/cli/dist/index.js");
    // A command has no types.
    if (!name.startsWith("unfold-apps")) {
      await t.step(`attw ${name}`, () => run(project, NODE, wrong, "--profile", "esm-only", name));
    }
    await t.step(
      `publish ${name}`,
      () => run(project, "npm", "publish", "--dry-run", "--access", "public", `./${name}`),
    );
  }
});

Deno.test("TypeScript 5 and 7 accept the programs in strict mode, as Node and bundlers resolve modules", async (t) => {
  const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
  const types = ["--target", "es2022", "--types", "node", "--typeRoots", tool("@types")];
  const files = names.map((name) => `${name}.ts`);
  for (const version of ["typescript-5", "typescript-7"]) {
    for (const modules of ["--module nodenext", "--module esnext --moduleResolution bundler"]) {
      await t.step(
        `${version} ${modules}`,
        () => run(project, NODE, tool(`${version}/bin/tsc`), ...options, ...types, ...modules.split(" "), ...files),
      );
    }
  }
});

for (const [runtime, path] of Object.entries(RUNTIMES)) {
  Deno.test({
    name: `${runtime} runs the programs`,
    ignore: !HAS_RUNTIMES,
    async fn(t) {
      for (const name of names) await t.step(name, () => run(project, path, `${name}.js`));
    },
  });
}

/** Serves a folder under a content policy that allows only the folder's own scripts, and more in `extra`. */
function serve(root: string, extra = "'wasm-unsafe-eval'"): Deno.HttpServer<Deno.NetAddr> {
  const policy = `default-src 'self'; script-src 'self' ${extra}`;
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const type = pathname.endsWith(".html") ? "text/html" : "text/javascript";
    const body = await Deno.readFile(`${root}${pathname}`).catch(() => undefined);
    if (body === undefined) return new Response(null, { status: 404 });
    return new Response(body, { headers: { "content-type": type, "content-security-policy": policy } });
  });
}

/** Bundles a page for each program into a folder. */
const BUNDLERS: Record<string, (pages: string[], out: string) => Promise<void>> = {
  async esbuild(pages, out) {
    const entryPoints = pages.map((page) => page.replace(/html$/, "js"));
    await build({ entryPoints, outdir: out, bundle: true, format: "esm", target: "es2022" }).finally(stop);
    for (const page of pages) await Deno.copyFile(page, `${out}/${page.split("/").at(-1)}`);
  },
  async Vite(pages, out) {
    const config = { build: { outDir: out, target: "es2022", rolldownOptions: { input: pages } } };
    await Deno.writeTextFile(`${project}/vite.config.js`, `export default ${JSON.stringify(config)};`);
    await run(project, NODE, tool("vite/bin/vite.js"), "build", "--logLevel", "warn");
  },
};

/** Opens a program's page in Chromium; fails with the first error on it. */
async function open(browser: Browser, url: string): Promise<void> {
  const page = await browser.newPage();
  try {
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    // It may fail before anything waits for it.
    failed.catch(() => {});
    await page.goto(url);
    await Promise.race([failed, page.waitForFunction("document.title === 'done'")]);
  } finally {
    await page.close();
  }
}

const launch = () => chromium.launch({ executablePath: CHROMIUM!, args: Deno.uid() === 0 ? ["--no-sandbox"] : [] });

for (const [bundler, bundle] of Object.entries(BUNDLERS)) {
  Deno.test({
    name: `Chromium runs the programs, bundled by ${bundler}`,
    ignore: CHROMIUM === undefined,
    async fn(t) {
      for (const name of inBrowser) {
        const page = `<!doctype html><script type="module" src="./${name}_page.js"></script>`;
        await Deno.writeTextFile(`${project}/${name}_page.html`, page);
        await Deno.writeTextFile(`${project}/${name}_page.js`, `import "./${name}.js";\ndocument.title = "done";\n`);
      }
      const root = `${folder}/${bundler}`;
      await bundle(inBrowser.map((name) => `${project}/${name}_page.html`), root);
      await using server = serve(root);
      await using strict = serve(root, "");
      const browser = await launch();
      try {
        const url = ({ addr }: Deno.HttpServer<Deno.NetAddr>, name: string) =>
          `http://127.0.0.1:${addr.port}/${name}_page.html`;
        for (const name of inBrowser) await t.step(name, () => open(browser, url(server, name)));
        await t.step(
          "a policy without 'wasm-unsafe-eval'",
          () =>
            assert.rejects(
              open(browser, url(strict, "core_1")),
              /must allow WebAssembly; add 'wasm-unsafe-eval' to its script-src/,
            ),
        );
      } finally {
        await browser.close();
      }
    },
  });
}

Deno.test("the README's table has the numbers of programs", () => {
  const row = Deno.readTextFileSync(`${ROOT}README.md`).split("\n").find((line) =>
    line.startsWith("| programs of the")
  );
  assert.deepEqual(row?.match(/\d+/g)?.map(Number), [names.length, names.length, inBrowser.length]);
});
