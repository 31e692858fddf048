import assert from "node:assert/strict";
import { QUICK, stock, withPrices } from "../_testing.ts";

Deno.test("compare trains every model with several seeds and compares them with the baselines", () =>
  withPrices(async (folder, file) => {
    const args = ["compare", "--csv", file, "--seeds", "2", ...QUICK];
    const { code, stdout, stderr } = await stock(folder, ...args);
    assert.equal(code, 0, stderr);
    const row = /^\w+ +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+ +-?[\d.]+ % ± [\d.]+ +[012] of 2$/gm;
    assert.deepEqual(stdout.match(row)!.map((line) => line.split(" ")[0]), ["lstm", "gru", "rnn", "mlp"]);
    assert.match(stdout, /\nnaive \(tomorrow = today\) .*\ndrift .*\nseasonal .*\nridge regression /);
    const { models } = JSON.parse((await stock(folder, ...args, "--json")).stdout);
    assert.match(stdout, /\n(No model is significantly|Significantly) better than the naive forecast.*\.\n$/);
    assert.deepEqual(models[1].seeds.map(({ seed }: { seed: number }) => seed), [1, 2]);
    assert.notEqual(models[1].seeds[0].scores.model.mse, models[1].seeds[1].scores.model.mse);
  }));
