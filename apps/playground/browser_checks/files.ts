import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { OnnxModel } from "../../../tools/onnx.ts";
import { assertEqual, draw, forward, withFolder } from "../../../tools/testing.ts";
import { runApp } from "../../shared/_run_app.ts";
import { Forecaster } from "../../stock/forecaster.ts";
import { LanguageModel } from "../../text/language_model.ts";
import { DIST } from "../serve.ts";
import { check, downloadOf, lossBelow, numberIn, step, stepsReach, toast, train } from "./_check.ts";

check(
  "a bad CSV is refused with its line; a good one is learned",
  ({ withPage }) =>
    withPage({ fragment: "data=own-csv" }, async (page) => {
      const give = (text: string) =>
        page.setInputFiles("#own-csv-file", { name: "mine.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
      await give("date,close\n2020-01-01,10\n2020-01-02,ten\n");
      assert.match(await toast(page), /^Cannot read mine\.csv: line 3, column close: .* got "ten"$/);
      assert.ok(await page.isDisabled("#train"));
      await give("date,close\n2020-01-01,10\n");
      await page.waitForFunction(() => document.getElementById("toast-message")!.textContent!.includes("at least"));
      const start = Date.UTC(2020, 0, 1);
      const rows = Array.from({ length: 400 }, (_, i) => {
        const date = new Date(start + i * 86_400_000).toISOString().slice(0, 10);
        return `${date},${10 + Math.sin(i / 5)}`;
      });
      await give(["date,close", ...rows].join("\n"));
      await train(page);
      await lossBelow(page, 0.2);
      assert.ok(await page.isHidden("#toast"));
      // The run keeps training after another bad file.
      await give("date,close\n2020-01-01,ten\n");
      assert.match(await toast(page), /line 2, column close/);
      await stepsReach(page, await numberIn(page, "#steps") + 1);
    }),
);

check(
  "the visitor's own text is learned; a short one is refused",
  ({ withPage }) =>
    withPage({ fragment: "data=own-text&hidden=16" }, async (page) => {
      await page.fill("#own-text-content", "too short");
      await page.click("#own-text button");
      assert.equal(await toast(page), "Cannot train on your text: it must have at least 200 characters, got 9");
      await page.fill("#own-text-content", "she sells sea shells by the sea shore. ".repeat(40));
      await page.click("#own-text button");
      await train(page);
      await lossBelow(page, 2);
      assert.match((await page.textContent("#about"))!, /^1,560 characters, 12 distinct\. [\d,]+ parameters\.$/);
    }),
);

check("a file dropped outside the chart does not replace the page", ({ withPage }) =>
  withPage({}, async (page) => {
    const prevented = await page.evaluate(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["date,close"], "a.csv"));
      const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
      document.querySelector("header")!.dispatchEvent(drop);
      return drop.defaultPrevented;
    });
    assert.ok(prevented);
  }));

check(
  "a saved model generates in apps/text, and can be loaded again",
  ({ withPage }) =>
    withFolder((folder) =>
      withPage({ fragment: "data=names&cell=relu&hidden=24&layers=2&rate=0.003" }, async (page) => {
        for (let i = 0; i < 20; i++) await step(page);
        const loss = await numberIn(page, "#loss");
        const file = `${folder}/names.safetensors`;
        await Deno.writeFile(file, await downloadOf(page, "#save"));
        const args = ["generate", file, "--length", "30", "--seed", "5"];
        const { code, stdout, stderr } = await runApp("text", folder, args);
        assert.deepEqual([code, stderr], [0, ""]);
        assert.equal([...stdout].length, 31);

        await page.selectOption("[name=cell]", "lstm");
        await page.waitForSelector("#train:enabled");
        await page.setInputFiles("#load", file);
        await page.waitForFunction(() => (document.querySelector("[name=cell]") as HTMLSelectElement).value === "relu");
        await step(page);
        const loaded = await numberIn(page, "#loss");
        assert.ok(loaded < loss, `${loaded} after ${loss}`);

        // After a bad file the model stays. Reset reloads the model's file, which the link does not include.
        const bad = { name: "bad.safetensors", mimeType: "", buffer: Buffer.from("no model") };
        await page.setInputFiles("#load", bad);
        assert.match(await toast(page), /^Cannot read bad\.safetensors: /);
        assert.equal(await numberIn(page, "#loss"), loaded);
        await page.click("#reset");
        await page.waitForFunction(() => document.getElementById("steps")!.textContent === "0");
        await step(page);
        assert.equal(await numberIn(page, "#loss"), loaded);
        assert.match((await page.textContent("#note"))!, /names\.safetensors, which the link does not include/);
      })
    ),
);

check(
  "a loaded model that exceeds the bounds does not block changes",
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
      await step(page);
    }),
);

check(
  "a saved forecaster forecasts in apps/stock, and its export runs in ONNX Runtime",
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
