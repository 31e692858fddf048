/**
 * Tests of the playground in a browser: `deno task test playground`. They need all permissions, and so are not among those
 * that a test run finds by their names.
 */

import { Random } from "@unfold/core";
import axe from "axe-core";
import assert from "node:assert/strict";
import { stop, transform } from "esbuild";
import type { Page } from "playwright-core";
import { OnnxModel } from "../../tools/onnx.ts";
import { assertEqual, draw, forward, withFolder } from "../../tools/testing.ts";
import { runApp } from "../shared/_run_app.ts";
import { Forecaster } from "../stock/forecaster.ts";
import { LanguageModel } from "../text/language_model.ts";
import { CHROMIUM, openBrowser, type OpenedBrowser } from "./_open_browser.ts";
import { DIST } from "./serve.ts";
import { VIEWS } from "./settings.ts";

/** Milliseconds in which a loss must fall. */
const PATIENCE = 20_000;
/** Bytes that page and worker may have, compressed. */
const MOST_BYTES = 150 * 1024;

/** A test in a browser that all of them share. */
let opened: Promise<OpenedBrowser> | undefined;
function check(name: string, test: (browser: OpenedBrowser) => void | Promise<void>): void {
  Deno.test({
    name: `playground: ${name}`,
    ignore: CHROMIUM === undefined,
    // The browser stays open from test to test.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => await test(await (opened ??= openBrowser())),
  });
}
Deno.test.afterAll(async () => await (await opened)?.[Symbol.asyncDispose]());

const numberIn = async (page: Page, id: string) =>
  Number((await page.textContent(id))!.replaceAll(",", "").replace("−", "-"));

async function train(page: Page): Promise<void> {
  await page.click("#train:enabled");
}

async function pause(page: Page): Promise<void> {
  await page.click("#train:text('Pause')");
  // The chunk that is under way ends.
  await page.waitForFunction(() => document.getElementById("speed")!.textContent === "–");
}

async function lossBelow(page: Page, bound: number): Promise<void> {
  await page.waitForFunction(
    (bound) => Number(document.getElementById("loss")!.textContent!.replace("−", "-")) < bound,
    bound,
    { timeout: PATIENCE },
  );
}

async function stepsFrom(page: Page, least: number): Promise<void> {
  await page.waitForFunction(
    (least) => Number(document.getElementById("steps")!.textContent!.replaceAll(",", "")) >= least,
    least,
    { timeout: PATIENCE },
  );
}

/** What a button hands out as a file. */
async function downloadOf(page: Page, button: string): Promise<Uint8Array<ArrayBuffer>> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  return await Deno.readFile(await file.path());
}

async function curveOf(page: Page): Promise<string[]> {
  return new TextDecoder().decode(await downloadOf(page, "#curve")).trim().split("\n");
}

async function toast(page: Page): Promise<string> {
  await page.waitForSelector("#toast:not([hidden])");
  return (await page.textContent("#toast-message"))!;
}

check("page and worker are small", ({ files }) => {
  const bytes = files.filter(({ name }) => name.endsWith(".js")).reduce((total, { gzip }) => total + gzip, 0);
  assert.ok(bytes > 10_000 && bytes <= MOST_BYTES, `${bytes} bytes`);
});

check(
  "text: it trains, its writing changes, and a pause holds",
  ({ withPage }) =>
    withPage({ fragment: "view=text&hidden=64" }, async (page) => {
      await page.waitForFunction(() => document.getElementById("sample")!.textContent !== "");
      const before = await page.textContent("#sample");
      await train(page);
      await lossBelow(page, 3.6);
      await pause(page);
      const [steps, loss] = [await page.textContent("#steps"), await page.textContent("#loss")];
      assert.notEqual(await page.textContent("#sample"), before);
      await page.waitForTimeout(700);
      assert.deepEqual([await page.textContent("#steps"), await page.textContent("#loss")], [steps, loss]);

      const written = await page.textContent("#sample");
      await page.fill("#temperature", "0");
      await page.waitForFunction((written) => document.getElementById("sample")!.textContent !== written, written);
      await page.click("#step");
      await page.waitForFunction((steps) => document.getElementById("steps")!.textContent !== steps, steps);
      assert.equal(await numberIn(page, "#steps"), Number(steps!.replace(",", "")) + 1);
      assert.equal(await page.evaluate(() => globalThis.crossOriginIsolated), false);
    }),
);

for (const [data, bound] of [["sine", 0.05], ["ar", 0.6], ["sp500", 0.6]] as const) {
  check(`series: ${data} is learned`, ({ withPage }) =>
    withPage({ fragment: `data=${data}` }, async (page) => {
      await train(page);
      await lossBelow(page, bound);
      await pause(page);
      assert.match(
        (await page.textContent("#skill"))!,
        /^On unseen days its squared error is .* than that of naive\.$/,
      );
      assert.ok(await page.locator("#forecast canvas").count() === 1);
    }));
}

check(
  "unfolded: each cell is drawn and trains",
  ({ withPage }) =>
    withPage({ fragment: "view=unfolded&data=sine&length=16&hidden=12&layers=2" }, async (page) => {
      await page.click("#panel-unfolded summary");
      for (const cell of ["tanh", "ReLU", "LSTM", "GRU"]) {
        await page.click(`#cells button:text-is("${cell}")`);
        await page.waitForSelector(`#cells [aria-pressed="true"]:text-is("${cell}")`);
        await train(page);
        await lossBelow(page, 0.3);
        await pause(page);
        assert.match((await page.textContent("#flow"))!, /steps back|no gradient|ends at once/);
        assert.equal(await page.locator("#unfolded-table table:first-child tbody tr").count(), 16);
        assert.ok(await page.locator("#chain rect").count() > 16 * 20);
      }
    }),
);

for (const fragment of ["view=text&hidden=32&seed=3", "data=sp500&cell=gru&optimizer=rmsprop&seed=7"]) {
  check(`the link #${fragment} gives the same losses to the digit`, async ({ withPage }) => {
    const curves: string[][] = [];
    for (const look of ["", "&view=unfolded"]) {
      await withPage({ fragment: fragment.replace(/^view=text/, "data=moby-dick") + look }, async (page) => {
        await train(page);
        await stepsFrom(page, 120);
        await pause(page);
        curves.push(await curveOf(page));
      });
    }
    const [a, b] = curves as [string[], string[]];
    const shared = Math.min(a.length, b.length);
    assert.ok(shared > 120);
    assert.equal(a[0], "step,loss,held_back");
    assert.deepEqual(a.slice(0, shared), b.slice(0, shared));
  });
}

check("the link follows the controls, and the controls the link", ({ withPage }) =>
  withPage({}, async (page) => {
    await page.waitForSelector("#train:enabled");
    await page.selectOption("[name=optimizer]", "sgd");
    await page.fill("[name=hidden]", "20");
    await page.press("[name=hidden]", "Enter");
    await page.waitForSelector("#train:enabled");
    const hash = () => new URLSearchParams(new URL(page.url()).hash.slice(1));
    assert.deepEqual([hash().get("optimizer"), hash().get("rate"), hash().get("hidden")], ["sgd", "0.5", "20"]);
    await page.evaluate(() => location.hash = "#data=sine&layers=2&cell=gru&hidden=0");
    assert.match(
      await toast(page),
      /^Cannot take hidden from the link: it must be a whole number from 1 to 512, got "0"/,
    );
    assert.equal(await page.inputValue("[name=layers]"), "2");
    assert.equal(await page.getAttribute("#tab-series", "aria-selected"), "true");
    await page.selectOption("#data", "own-csv");
    await page.click("#tab-unfolded");
    await page.waitForSelector("#own-csv:visible");
    await page.selectOption("#data", "ar");
    await train(page);
    await stepsFrom(page, 5);
    await page.selectOption("[name=cell]", "rnn");
    // A change while it trains begins a run that trains.
    await page.waitForSelector("#train:text('Pause')");
    await stepsFrom(page, 5);
    await page.fill("[name=layers]", "9");
    await page.press("[name=layers]", "Enter");
    assert.equal(hash().get("layers"), "2");
    // What cannot be is told, and hinders nothing else.
    assert.notEqual(
      await page.evaluate(() => document.querySelector<HTMLInputElement>(":invalid")!.validationMessage),
      "",
    );
    await page.selectOption("#data", "sine");
    await page.waitForFunction(() => location.hash.includes("data=sine"));
    await stepsFrom(page, 5);
    assert.equal(await page.inputValue("[name=layers]"), "2");
  }));

check(
  "each task keeps its run; of many changes the last alone is prepared",
  ({ withPage }) =>
    withPage({ fragment: "data=names&hidden=16" }, async (page) => {
      await train(page);
      await stepsFrom(page, 20);
      await page.click("#tab-series");
      await page.waitForSelector("#train:enabled:text-is('Train')");
      assert.equal(await page.textContent("#steps"), "0");
      await page.click("#tab-text");
      const kept = await numberIn(page, "#steps");
      assert.ok(kept >= 20);
      await train(page);
      await stepsFrom(page, kept + 1);
      await page.fill("[name=layers]", "3");
      await page.fill("[name=hidden]", "384");
      await page.press("[name=hidden]", "Enter");
      const once = performance.now();
      await page.waitForSelector("#train:text('Preparing …')");
      await page.waitForSelector("#train:enabled", { timeout: PATIENCE });
      const one = performance.now() - once;
      const many = performance.now();
      for (let seed = 2; seed <= 16; seed++) {
        await page.fill("[name=seed]", String(seed));
        await page.press("[name=seed]", "Enter");
      }
      await page.waitForSelector("#train:enabled", { timeout: PATIENCE });
      assert.match(page.url(), /seed=16&/);
      assert.ok(performance.now() - many < 4 * one + 2000, `${performance.now() - many} ms, one ${one} ms`);
    }),
);

check(
  "a model from a file that is larger than the bounds hinders no change",
  ({ withPage }) =>
    withPage({ fragment: "data=names" }, async (page) => {
      const vocabulary = [...new Set(await Deno.readTextFile(new URL("data/names.txt", DIST)))];
      const stack = { cell: "gru", hidden: 8, layers: 4, embedding: 8, dropout: 0, tied: true } as const;
      const buffer = Buffer.from(new LanguageModel({ ...stack, tokens: "char", vocabulary }, new Random(1)).toFile());
      await page.waitForSelector("#train:enabled");
      await page.setInputFiles("#load", { name: "deep.safetensors", mimeType: "", buffer });
      await page.waitForFunction(() => document.querySelector<HTMLInputElement>("[name=layers]")!.value === "4");
      await page.click("#tab-unfolded");
      await page.waitForSelector("#chain svg");
      await page.fill("[name=seed]", "5");
      await page.press("[name=seed]", "Enter");
      await page.waitForFunction(() => location.hash.includes("seed=5"));
      assert.equal(await page.inputValue("[name=layers]"), "3");
      await page.click("#step:enabled");
      await stepsFrom(page, 1);
    }),
);

check(
  "a file that is dropped beside the chart does not take the page's place",
  ({ withPage }) =>
    withPage({}, async (page) => {
      const prevented = await page.evaluate(() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["date,close"], "a.csv"));
        const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
        document.querySelector("header")!.dispatchEvent(drop);
        return drop.defaultPrevented;
      });
      assert.ok(prevented);
    }),
);

check(
  "a bad CSV is refused with its line; a good one is learned",
  ({ withPage }) =>
    withPage({ fragment: "data=own-csv" }, async (page) => {
      const give = (text: string) =>
        page.setInputFiles("#own-csv-file", { name: "mine.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
      await give("date,close\n2020-01-01,10\n2020-01-02,ten\n");
      assert.equal(
        await toast(page),
        'Cannot read mine.csv: line 3, column close: it must be a number from 1e-9 to 1000000000000000, got "ten"',
      );
      assert.ok(await page.isDisabled("#train"));
      await give("date,close\n2020-01-01,10\n");
      await page.waitForFunction(() => document.getElementById("toast-message")!.textContent!.includes("at least"));
      const start = Date.UTC(2020, 0, 1);
      const rows = Array.from(
        { length: 400 },
        (_, i) => `${new Date(start + i * 864e5).toISOString().slice(0, 10)},${10 + Math.sin(i / 5)}`,
      );
      await give(["date,close", ...rows].join("\n"));
      await train(page);
      await lossBelow(page, 0.2);
      assert.ok(await page.isHidden("#toast"));
      await give("date,close\n2020-01-01,ten\n");
      assert.match(await toast(page), /line 2, column close/);
      const steps = await numberIn(page, "#steps");
      await stepsFrom(page, steps + 1);
    }),
);

check(
  "a text of one's own is learned; one that is too short is refused",
  ({ withPage }) =>
    withPage({ fragment: "data=own-text&hidden=16" }, async (page) => {
      await page.fill("#own-text-content", "too short");
      await page.click("#own-text button");
      assert.equal(await toast(page), "Cannot learn from your text: it must have at least 200 characters, got 9");
      await page.fill("#own-text-content", "she sells sea shells by the sea shore. ".repeat(40));
      await page.click("#own-text button");
      await train(page);
      await lossBelow(page, 2);
      assert.match((await page.textContent("#about"))!, /^1,560 characters, 12 different/);
    }),
);

check(
  "a saved model writes in apps/text, and goes on in the page",
  ({ withPage }) =>
    withFolder((folder) =>
      withPage({ fragment: "data=names&cell=relu&hidden=24&layers=2&rate=0.003" }, async (page) => {
        await train(page);
        await stepsFrom(page, 60);
        await pause(page);
        const loss = await numberIn(page, "#loss");
        const file = `${folder}/names.safetensors`;
        await Deno.writeFile(file, await downloadOf(page, "#save"));
        const { code, stdout, stderr } = await runApp("text", folder, [
          "generate",
          file,
          "--length",
          "30",
          "--seed",
          "5",
        ]);
        assert.deepEqual([code, stderr], [0, ""]);
        assert.equal([...stdout].length, 31);

        await page.selectOption("[name=cell]", "lstm");
        await page.waitForSelector("#train:enabled");
        await page.setInputFiles("#load", file);
        await page.waitForFunction(() => (document.querySelector("[name=cell]") as HTMLSelectElement).value === "relu");
        await page.click("#step:enabled");
        await stepsFrom(page, 1);
        assert.ok(await numberIn(page, "#loss") < loss, `${await page.textContent("#loss")} after ${loss}`);

        const mended = await numberIn(page, "#loss");
        const bad = { name: "bad.safetensors", mimeType: "", buffer: Buffer.from("no model") };
        await page.setInputFiles("#load", bad);
        assert.match(await toast(page), /^Cannot read bad\.safetensors: /);
        // The model stays, Reset returns to its file, and the page says that the link does not.
        assert.equal(await numberIn(page, "#loss"), mended);
        await page.click("#reset");
        await page.waitForFunction(() => document.getElementById("steps")!.textContent === "0");
        await page.click("#step:enabled");
        await stepsFrom(page, 1);
        assert.equal(await numberIn(page, "#loss"), mended);
        assert.match((await page.textContent("#note"))!, /names\.safetensors, which the link does not hold/);
      })
    ),
);

check(
  "a saved forecaster forecasts in apps/stock; ONNX Runtime runs what is exported",
  ({ withPage }) =>
    withFolder((folder) =>
      withPage({ fragment: "data=sp500&layers=2&hidden=8" }, async (page) => {
        await page.waitForSelector("#save:enabled");
        const file = `${folder}/prices.safetensors`;
        await Deno.writeFile(file, await downloadOf(page, "#save"));
        const { code, stdout, stderr } = await runApp("stock", folder, ["forecast", file]);
        assert.deepEqual([code, stderr], [0, ""]);
        assert.match(stdout, /in 20 days/);
        const model = await OnnxModel.load(await downloadOf(page, "#onnx"));
        const input = draw(new Random(1), [3, 24, 5]);
        const { network } = Forecaster.decode(await Deno.readFile(file), file);
        assertEqual((await model.run({ input })).output, forward(network, input), "the export");
      })
    ),
);

check("tabs go by arrow keys, and training by the keyboard alone", ({ withPage }) =>
  withPage({}, async (page) => {
    await page.waitForSelector("#train:enabled");
    await page.focus("#tab-text");
    await page.keyboard.press("ArrowRight");
    assert.ok(await page.isVisible("#panel-series"));
    assert.ok(await page.isHidden("#panel-text"));
    await page.keyboard.press("ArrowRight");
    assert.ok(await page.isVisible("#panel-unfolded"));
    await page.waitForSelector("#train:enabled");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await stepsFrom(page, 5);
    await page.keyboard.press("Enter");
    assert.equal(await page.textContent("#train"), "Train");
    await page.waitForFunction(() =>
      /^Step [\d,]+: loss .* mean squared error$/.test(document.getElementById("said")!.textContent!)
    );
  }));

for (const colorScheme of ["light", "dark"] as const) {
  check(`nothing that axe finds is serious, ${colorScheme}`, async ({ withPage }) => {
    for (const view of VIEWS) {
      await withPage({ fragment: `view=${view}&hidden=16`, colorScheme }, async (page) => {
        await train(page);
        await stepsFrom(page, 20);
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => details.open = true));
        await page.evaluate(axe.source);
        const found = await page.evaluate(async () => {
          const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
          return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ html }) => html) }));
        });
        assert.deepEqual(found.filter(({ impact }) => impact === "serious" || impact === "critical"), []);
      });
    }
  });
}

/** Part of the page that was moved by what came later, as the browser counts it. */
interface Shift {
  readonly value: number;
  readonly what: readonly string[];
}

for (const width of [1280, 375]) {
  check(`nothing moves or sticks out at ${width} pixels`, async ({ withPage }) => {
    for (const view of VIEWS) {
      const before = () => {
        const shifts: Shift[] = Object.assign(globalThis, { shifts: [] }).shifts;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            const { value, sources } = entry as unknown as { value: number; sources: { node?: Element }[] };
            shifts.push({ value, what: sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? "") });
          }
        }).observe({ type: "layout-shift", buffered: true });
      };
      await withPage({ fragment: `view=${view}&hidden=16`, width, before }, async (page) => {
        await train(page);
        await stepsFrom(page, 60);
        await pause(page);
        const { shifts, wide } = await page.evaluate(() => ({
          shifts: (globalThis as unknown as { shifts: Shift[] }).shifts,
          wide: document.documentElement.scrollWidth,
        }));
        assert.ok(shifts.reduce((total, { value }) => total + value, 0) < 0.01, `${view}: ${JSON.stringify(shifts)}`);
        assert.equal(wide, width);
      });
    }
  });
}

check(
  "without relaxed SIMD it trains with plain SIMD",
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
  name: "playground: without SIMD it says so",
  // Of other processors there is none that a browser could be kept from using.
  ignore: CHROMIUM === undefined || Deno.build.arch !== "x86_64",
  fn: async () => {
    await using browser = await openBrowser(["--js-flags=--no-enable-sse4-1"]);
    await browser.withPage({}, async (page) => {
      await page.waitForSelector("[role=alert]:text('This browser’s WebAssembly has no SIMD')");
      assert.equal(await page.locator("button:visible").count(), 0);
    });
  },
});
