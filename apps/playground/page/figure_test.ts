import assert from "node:assert/strict";
import { unfolding } from "./_unfolding.ts";
import { Bindings, CELL, GAP, level, powersOf, sceneOf, topOf } from "./figure.ts";

Deno.test("colours range from −most to most", () => {
  assert.deepEqual([-2, -1, 0, 0.04, 0.5, 2].map((value) => level(value, 1)), [
    "level-0",
    "level-0",
    "level-10",
    "level-10",
    "level-15",
    "level-20",
  ]);
  assert.equal(level(0, 0), "level-10");
});

Deno.test("rows leave space for arrows, and the highest layer is on top", () => {
  const { layout: { h, s, x, label, bars, height }, ranges } = sceneOf(unfolding([1, 1]));
  assert.deepEqual([h.height, s[0]!.height, x.height], [CELL, 3 * CELL, 2 * CELL]);
  assert.equal(s[1]!.y, h.y + h.height + GAP);
  assert.equal(s[0]!.y, s[1]!.y + s[1]!.height + GAP);
  assert.equal(x.y, s[0]!.y + s[0]!.height + GAP);
  assert.ok(label > x.y + x.height && bars.y > label && height > bars.y + bars.height);
  assert.deepEqual(ranges, { x: 1, s: 3, h: 0.25 });
});

Deno.test("bars show the gradient relative to the last one, on a logarithmic scale", () => {
  const scene = sceneOf(unfolding([0, 1e-12, 2e-4, 2]));
  const { y, height } = scene.layout.bars;
  assert.deepEqual([0, 2e-12, 2e-4, 2].map((gradient) => topOf(gradient, scene)), [
    y + height,
    y + height,
    y + height / 2,
    y,
  ]);
  assert.deepEqual(powersOf(scene).map(({ power }) => power), [0, -2, -4, -6, -8]);
  // An exploding gradient extends the scale. Gradients of 0 are drawn too.
  assert.deepEqual(powersOf(sceneOf(unfolding([500, 1])))[0], { power: 4, y });
  assert.equal(topOf(0, sceneOf(unfolding([0, 0]))), y + height);
});

Deno.test("bindings write only what has changed", () => {
  const log: string[] = [];
  const fake = {
    setAttribute: (name: string, value: string) => log.push(`${name}=${value}`),
    set textContent(text: string) {
      log.push(text);
    },
  } as unknown as Element;
  const bindings = new Bindings<{ a: number; b: number }>();
  bindings.attribute(fake, "class", ({ a }) => String(a));
  bindings.text(fake, ({ b }) => String(b));
  bindings.update({ a: 1, b: 2 });
  bindings.update({ a: 1, b: 3 });
  assert.deepEqual(log, ["class=1", "2", "3"]);
});
