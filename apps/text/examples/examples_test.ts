import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { accuracyOn, drawBrackets, isBalanced, makeModel as bracketModel, trainOnBrackets } from "./brackets.ts";
import { byRule, capitalize, f1, makeModel as capitalModel, score, trainOnCapitals } from "./capitals.ts";
import { LABELS, loadNames, lossOn, NameWriter, trainOnNames } from "./names.ts";

Deno.test("brackets: balance matches cases by hand, both classes are drawn, and the model learns", () => {
  for (const text of ["", "()", "([]())[]"]) assert.ok(isBalanced(text), text);
  for (const text of ["(", ")", "(]", "([)]", "())"]) assert.ok(!isBalanced(text), text);
  const random = new Random(1);
  const texts = Array.from({ length: 500 }, () => drawBrackets(random));
  assert.ok(texts.every((text) => /^[()[\]]{1,24}$/.test(text)));
  const share = texts.filter(isBalanced).length / texts.length;
  assert.ok(share > 0.5 && share < 0.7, `${share}`);
  const model = bracketModel(random);
  const losses = [...trainOnBrackets(model, { steps: 250, random })];
  assert.ok(losses.at(-1)! < losses[0]! / 2);
  const right = accuracyOn(model, texts);
  assert.ok(right > 0.9, `${right}`);
});

Deno.test("capitals: F1 matches a case by hand, the rule works, and the model learns", () => {
  assert.equal(f1([true, true, false, false], [true, false, true, false]), 0.5);
  assert.equal(byRule("so. he said “i am.” yes"), "So. He said “I am.” Yes");
  const random = new Random(1);
  const model = capitalModel(random);
  const text = "He went on. She stayed; I did not. And the whale, said Ahab, was white.\n".repeat(4);
  const before = score(text, (small) => capitalize(model, small));
  const losses = [...trainOnCapitals(model, { steps: 150, random })];
  assert.ok(losses.at(-1)! < losses[0]! / 3, `${losses[0]} -> ${losses.at(-1)}`);
  const after = score(text, (small) => capitalize(model, small));
  assert.ok(after > 0.3 && after > before, `${before} -> ${after}`);
  assert.equal(capitalize(model, text.toLowerCase()).toLowerCase(), text.toLowerCase());
});

Deno.test("names: the loss falls, and names are likelier with the right label", async () => {
  const random = new Random(1);
  const names = await loadNames();
  assert.ok(names.length > 8000 && names.some(({ label }) => label === 1));
  const model = new NameWriter(random);
  const losses = [...trainOnNames(model, { names, steps: 150, random })];
  assert.ok(losses.at(-1)! < 0.75 * losses[0]!, `${losses[0]} -> ${losses.at(-1)}`);
  const some = names.filter((_, i) => i % 20 === 0);
  const others = some.map(({ tokens, label }) => ({ tokens, label: 1 - label }));
  assert.ok(lossOn(model, some) < lossOn(model, others));
  for (const label of LABELS.keys()) {
    const written = model.write(label, { count: 5, random });
    assert.ok(written.length === 5 && written.every((name) => /^[a-z' -]*$/.test(name)));
    assert.ok(new Set(written).size > 1);
  }
});
