import { Random, tensor } from "@unfold/core";
import { softmaxCrossEntropy } from "@unfold/layers";
import assert from "node:assert/strict";
import { weightedCrossEntropy } from "./weighted_loss.ts";

const random = new Random(5);
const values = () => Array.from({ length: 4 }, () => Array.from({ length: 3 }, () => random.normal(0, 1)));
const targets = () => tensor([2, 0, 1, 2], { dtype: "i32" });

Deno.test("with weights of 1 the loss and its gradient are the plain ones", () => {
  const data = values();
  const [a, b] = [data, data].map((data) => tensor(data, { requiresGrad: true }));
  const [weighted, plain] = [weightedCrossEntropy([1, 1, 1])(a!, targets()), softmaxCrossEntropy(b!, targets())];
  assert.ok(Math.abs(weighted.item() - plain.item()) < 1e-6);
  weighted.backward();
  plain.backward();
  a!.grad!.data.forEach((value, i) => assert.ok(Math.abs(value - b!.grad!.data[i]!) < 1e-6));
});

Deno.test("the gradient is that of central differences", () => {
  const data = values();
  const loss = weightedCrossEntropy([0.5, 2, 1.25]);
  const x = tensor(data, { requiresGrad: true });
  loss(x, targets()).backward();
  const step = 1e-2;
  data.forEach((row, i) =>
    row.forEach((value, j) => {
      const at = (shifted: number) =>
        loss(tensor(data.map((other, k) => k === i ? other.with(j, shifted) : other)), targets()).item();
      const slope = (at(value + step) - at(value - step)) / (2 * step);
      assert.ok(Math.abs(slope - x.grad!.data[3 * i + j]!) < 1e-3, `${slope}`);
    })
  );
});
