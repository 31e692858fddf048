import assert from "node:assert/strict";
import { stop, transform } from "esbuild";
import { CHROMIUM, openBrowser } from "../_open_browser.ts";
import { DIST } from "../serve.ts";
import { check, lossBelow, numberIn, pause, step, train } from "./_check.ts";

/** The maximum size of the page's and the worker's scripts, compressed: 150 KiB, and 21 KiB for uPlot. */
const MAX_BYTES = (150 + 21) * 1024;

check("the scripts are small", ({ files }) => {
  const bytes = files.filter(({ name }) => name.endsWith(".js")).reduce((total, { gzip }) => total + gzip, 0);
  assert.ok(bytes > 10_000 && bytes <= MAX_BYTES, `${bytes} bytes`);
});

check(
  "text: the network learns, its sample changes, and a pause holds",
  ({ withPage }) =>
    withPage({ fragment: "view=text&hidden=64" }, async (page) => {
      await page.waitForFunction(() => document.getElementById("sample")!.textContent !== "");
      const before = await page.textContent("#sample");
      await train(page);
      await lossBelow(page, 3.6);
      await pause(page);
      const numbers = async () => [await page.textContent("#steps"), await page.textContent("#loss")];
      const paused = await numbers();
      let sample = await page.textContent("#sample");
      assert.notEqual(sample, before);
      for (const temperature of ["0", "1.5"]) {
        await page.fill("#temperature", temperature);
        await page.waitForFunction((old) => document.getElementById("sample")!.textContent !== old, sample);
        sample = await page.textContent("#sample");
      }
      assert.deepEqual(await numbers(), paused);
      const steps = await numberIn(page, "#steps");
      await step(page);
      assert.equal(await numberIn(page, "#steps"), steps + 1);
      assert.equal(await page.evaluate(() => globalThis.crossOriginIsolated), false);
    }),
);

for (const [data, bound] of [["sine", 0.05], ["ar", 0.6], ["sp500", 0.6]] as const) {
  check(`series: the network learns ${data}`, ({ withPage }) =>
    withPage({ fragment: `data=${data}` }, async (page) => {
      await train(page);
      await lossBelow(page, bound);
      await pause(page);
      assert.match(
        (await page.textContent("#skill"))!,
        /^On unseen days, its squared error is .*% (smaller|larger) than the naive forecast’s\.$/,
      );
      assert.equal(await page.locator("#forecast canvas").count(), 1);
    }));
}

check(
  "unfolded: each cell is drawn and learns",
  ({ withPage }) =>
    withPage({ fragment: "view=unfolded&data=sine&length=16&hidden=12&layers=2" }, async (page) => {
      await page.click("#panel-unfolded summary");
      for (const cell of ["tanh", "ReLU", "LSTM", "GRU"]) {
        await page.click(`#cells button:text-is("${cell}")`);
        await page.waitForSelector(`#cells [aria-pressed="true"]:text-is("${cell}")`);
        await train(page);
        await lossBelow(page, 0.3);
        await pause(page);
        assert.match((await page.textContent("#flow"))!, /steps back|no gradient|stops immediately/);
        assert.equal(await page.locator("#unfolded-table table:first-child tbody tr").count(), 16);
        assert.ok(await page.locator("#chain rect").count() > 16 * 20);
      }
    }),
);

check(
  "without relaxed SIMD, plain SIMD is used",
  ({ withPage }) =>
    withPage({ fragment: "data=sine" }, async (page) => {
      const worker = await Deno.readTextFile(new URL("worker.js", DIST));
      const { code } = await transform(await Deno.readTextFile("tools/plain_simd.ts"), { loader: "ts" });
      await stop();
      await page.route("**/worker.js", (route) =>
        route.fulfill({
          contentType: "text/javascript",
          body: `${code};console.info("without relaxed SIMD");${worker}`,
        }));
      await Promise.all([
        page.waitForEvent("console", (message) => message.text() === "without relaxed SIMD"),
        page.reload(),
      ]);
      await train(page);
      await lossBelow(page, 0.05);
    }),
);

Deno.test({
  name: "playground: without SIMD, the page says so",
  // Only on x86 can SIMD be switched off in Chromium.
  ignore: CHROMIUM === undefined || Deno.build.arch !== "x86_64",
  fn: async () => {
    await using browser = await openBrowser(["--js-flags=--no-enable-sse4-1"]);
    await browser.withPage({}, async (page) => {
      await page.waitForSelector("[role=alert]:text('This browser’s WebAssembly has no SIMD')");
      assert.equal(await page.locator("button:visible").count(), 0);
    });
  },
});
