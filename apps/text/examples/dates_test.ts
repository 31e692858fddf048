import { argmax, noGrad, Random, scope, tensor } from "@unfold/core";
import assert from "node:assert/strict";
import { drawSample, encode, exactMatch, makeModel, trainOnDates, translate } from "./dates.ts";

Deno.test("training and test dates are disjoint, and each text matches its ISO date", () => {
  const random = new Random(1);
  const draw = (part: "train" | "test") => Array.from({ length: 2000 }, () => drawSample(random, part));
  const [train, test] = [draw("train"), draw("test")];
  const years = new Set([...train, ...test].map(({ iso }) => iso.slice(0, 4)));
  assert.deepEqual([years.size, Math.min(...[...years].map(Number))], [100, 1950]);
  const days = new Set(train.map(({ iso }) => iso));
  assert.ok(test.every(({ iso }) => !days.has(iso)));
  for (const { text, iso } of [...train, ...test].filter(({ text }) => /[A-Z]/.test(text))) {
    assert.equal(new Date(`${text} UTC`).toISOString().slice(0, 10), iso);
  }
});

Deno.test("the error for an unknown character names it", () => {
  using _ = scope();
  const kind = (text: string, got: string) => ({
    name: "RangeError",
    message: `Cannot read ${JSON.stringify(text)}: it must have only letters, digits and " ,./-", got ${got}`,
  });
  for (const [text, got] of [["3 März", '"ä"'], ["1😀", '"😀"'], ["", "nothing"]] as const) {
    assert.throws(() => encode(["3 May", text]), kind(text, got));
  }
});

Deno.test("the model learns dates, and generating step by step agrees with teacher forcing", () => {
  const random = new Random(1);
  const model = makeModel(random, 48);
  const unseen = Array.from({ length: 200 }, () => drawSample(random, "test"));
  assert.equal(exactMatch(model, unseen), 0);
  const losses = [...trainOnDates(model, { steps: 300, random })];
  assert.ok(losses.at(-1)! < losses[0]! / 5, `${losses[0]} -> ${losses.at(-1)}`);
  const right = exactMatch(model, unseen);
  assert.ok(right > 0.2, `${right}`);

  using _ = scope();
  const digits = "0123456789-";
  const texts = unseen.map(({ text }) => text);
  const whole = translate(model, texts).map((written, i) => ({ written, text: texts[i]! }))
    .filter(({ written }) => written.length === 10).slice(0, 20);
  const before = whole.flatMap(({ written }) => [digits.length, ...[...written].map((char) => digits.indexOf(char))]);
  const logits = noGrad(() =>
    model.forward(
      encode(whole.map(({ text }) => text)),
      tensor(Int32Array.from(before), { shape: [whole.length, 11] }),
    )
  );
  const forced = argmax(logits).toArray() as number[][];
  assert.deepEqual(
    forced.map((tokens) => tokens.slice(0, 10).map((token) => digits[token]).join("")),
    whole.map(({ written }) => written),
  );
  // Padding next to a longer text changes nothing.
  const [short, long] = [unseen[0]!.text, "Wednesday, 28 Sep 2022"];
  assert.equal(translate(model, [short, long])[0], translate(model, [short])[0]);
});
