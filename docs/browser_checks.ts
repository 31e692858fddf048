/**
 * Tests of the programs in onnx.md in a browser, run by `deno task test playground`. They need all permissions, so the
 * file name does not match what `deno test` runs by default.
 */

// The programs find it in node_modules. Not in deno.json, so that users of the apps do not download it.
import "npm:onnxruntime-web@1.30.0/wasm";
import { chromium } from "playwright-core";
import { CHROMIUM } from "../apps/playground/_open_browser.ts";
import { withFolder } from "../tools/testing.ts";
import { checkPrinted, prepare, programOf, TASKS } from "./_programs.ts";

const PROJECT = new URL("..", import.meta.url).pathname;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  mjs: "text/javascript",
  wasm: "application/wasm",
  json: "application/json",
};

/** Serves the folder of a program, and the runtime in its node_modules. */
function serve(folder: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    try {
      const type = TYPES[pathname.split(".").at(-1)!] ?? "application/octet-stream";
      return new Response(await Deno.readFile((pathname.startsWith("/node_modules/") ? PROJECT : folder) + pathname), {
        headers: { "content-type": type },
      });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}

for (const task of TASKS) {
  Deno.test(
    `browser: the page's program for ${task} prints the app's result`,
    { ignore: CHROMIUM === undefined },
    () =>
      withFolder(async (folder) => {
        await prepare(folder, task);
        await Deno.writeTextFile(`${folder}/index.html`, programOf(task, "html").program);
        await using server = serve(folder);
        const browser = await chromium.launch({
          executablePath: CHROMIUM!,
          args: Deno.uid() === 0 ? ["--no-sandbox"] : [],
        });
        try {
          const page = await browser.newPage();
          const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
          await page.goto(`http://127.0.0.1:${server.addr.port}/index.html`);
          await Promise.race([failed, page.waitForSelector("pre:not(:empty)", { timeout: 20_000 })]);
          checkPrinted(task, (await page.textContent("pre"))!);
        } finally {
          await browser.close();
        }
      }),
  );
}
