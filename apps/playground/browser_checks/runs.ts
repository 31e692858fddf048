import assert from "node:assert/strict";
import { check, downloadOf, numberIn, pause, step, stepsReach, toast, train } from "./_check.ts";

for (const fragment of ["data=moby-dick&hidden=32&seed=3", "data=sp500&cell=gru&optimizer=rmsprop&seed=7"]) {
  check(`the link #${fragment} reproduces its losses exactly, in any view`, async ({ withPage }) => {
    const curves: string[][] = [];
    for (const view of ["", "&view=unfolded"]) {
      await withPage({ fragment: fragment + view }, async (page) => {
        await train(page);
        await stepsReach(page, 120);
        await pause(page);
        curves.push(new TextDecoder().decode(await downloadOf(page, "#curve")).trim().split("\n"));
      });
    }
    const [a, b] = curves as [string[], string[]];
    const shared = Math.min(a.length, b.length);
    assert.ok(shared > 120);
    assert.equal(a[0], "step,loss,validation");
    assert.deepEqual(a.slice(0, shared), b.slice(0, shared));
  });
}

check(
  "the link follows the controls, and the controls follow the link",
  ({ withPage }) =>
    withPage({}, async (page) => {
      await page.waitForSelector("#train:enabled");
      await page.selectOption("[name=optimizer]", "sgd");
      await page.fill("[name=hidden]", "20");
      await page.press("[name=hidden]", "Enter");
      await page.waitForSelector("#train:enabled");
      const link = () => new URLSearchParams(new URL(page.url()).hash.slice(1));
      assert.deepEqual([link().get("optimizer"), link().get("rate"), link().get("hidden")], ["sgd", "0.5", "20"]);
      await page.evaluate(() => location.hash = "#data=sine&layers=2&cell=gru&hidden=0");
      assert.match(
        await toast(page),
        /^Cannot use hidden from the link: it must be a whole number from 1 to 512, got "0"/,
      );
      assert.equal(await page.inputValue("[name=layers]"), "2");
      assert.equal(await page.getAttribute("#tab-series", "aria-selected"), "true");
      // Without data, the unfolded view has nothing to show.
      await page.selectOption("#data", "own-csv");
      await page.click("#tab-unfolded");
      await page.waitForSelector("#own-csv:visible");
      assert.ok(await page.isHidden("#forecast"));
      await page.selectOption("#data", "ar");
      await train(page);
      await stepsReach(page, 5);
      // If a setting changes during training, the new run trains too.
      await page.selectOption("[name=cell]", "rnn");
      await page.waitForSelector("#train:text('Pause')");
      await stepsReach(page, 5);
      // An invalid value is reported and does not block other changes.
      await page.fill("[name=layers]", "9");
      await page.press("[name=layers]", "Enter");
      assert.equal(link().get("layers"), "2");
      const message = await page.evaluate(() =>
        document.querySelector<HTMLInputElement>(":invalid")!.validationMessage
      );
      assert.notEqual(message, "");
      await page.selectOption("#data", "sine");
      await page.waitForFunction(() => location.hash.includes("data=sine"));
      await stepsReach(page, 5);
      assert.equal(await page.inputValue("[name=layers]"), "2");
    }),
);

check("each task keeps its run", ({ withPage }) =>
  withPage({ fragment: "data=names&hidden=16" }, async (page) => {
    await train(page);
    await stepsReach(page, 20);
    await page.click("#tab-series");
    await page.waitForSelector("#train:enabled:text-is('Train')");
    assert.equal(await page.textContent("#steps"), "0");
    await page.click("#tab-text");
    const kept = await numberIn(page, "#steps");
    assert.ok(kept >= 20);
    await train(page);
    await stepsReach(page, kept + 1);
  }));

/** Records the types of the requests that the page sends to its worker. */
function recordRequests(): void {
  const sent: string[] = Object.assign(globalThis, { sent: [] }).sent;
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (request: { type: string }) {
    sent.push(request.type);
    postMessage.call(this, request);
  };
}

check(
  "after several quick changes, only the last run is built",
  ({ withPage }) =>
    withPage({ fragment: "data=names&hidden=16", before: recordRequests }, async (page) => {
      await page.waitForSelector("#train:enabled");
      const label = await page.evaluate(() => {
        const seed = document.querySelector<HTMLInputElement>("[name=seed]")!;
        for (let value = 2; value <= 16; value++) {
          seed.value = String(value);
          seed.dispatchEvent(new Event("change", { bubbles: true }));
        }
        return document.getElementById("train")!.textContent;
      });
      assert.equal(label, "Preparing…");
      await page.waitForSelector("#train:enabled");
      assert.match(page.url(), /seed=16&/);
      const sent = await page.evaluate(() => (globalThis as unknown as { sent: string[] }).sent);
      assert.equal(sent.filter((type) => type === "start").length, 2);
    }),
);

check(
  "a worker that hangs in a step is replaced after Pause, and the run goes on from its snapshot",
  ({ withPage }) =>
    withPage({ fragment: "data=sine&hidden=8&seed=4" }, async (page) => {
      await train(page);
      await stepsReach(page, 20);
      await pause(page);
      const kept = await numberIn(page, "#steps");
      await train(page);
      await page.waitForSelector("#train:text('Pause')");
      // It never returns: Pause ends the worker.
      page.workers()[0]!.evaluate(() => {
        while (true);
      }).catch(() => {});
      await page.click("#train:text('Pause')");
      const [, from] = /^A long training step was stopped; the run goes on from step (\d+)\.$/.exec(await toast(page))!;
      assert.ok(Number(from) >= kept, `${from} steps, ${kept} before`);
      await step(page);
      assert.equal(await numberIn(page, "#steps"), Number(from) + 1);
      await train(page);
      await stepsReach(page, Number(from) + 10);
    }),
);
