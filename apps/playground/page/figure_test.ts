import assert from "node:assert/strict";
import type { Unfolding } from "../worker/unfold_network.ts";
import { spacingOf } from "./draw_chain.ts";
import { Bindings, CELL, GAP, level, powersOf, sceneOf, topOf } from "./figure.ts";
import { listUnfolding } from "./unfolded_view.ts";

const excerpt = { rows: 1, columns: 1, values: new Float32Array(1), shape: [1, 1] } as const;

function unfolding(gradients: readonly number[], { layers = 2, label = "x" } = {}): Unfolding {
  return {
    steps: gradients.map((gradient, t) => ({
      input: { label, values: Float32Array.of(t, -0.5) },
      states: Array.from({ length: layers }, (_, layer) => Float32Array.of(layer - 3, 1, 0)),
      output: { label, values: Float32Array.of(0.25) },
      gradient,
    })),
    inputWeight: excerpt,
    recurrentWeights: Array.from({ length: layers }, () => excerpt),
    outputWeight: excerpt,
    gate: undefined,
    switchedOff: false,
    sizes: { input: 2, state: 3, output: 1 },
    loss: 1,
  };
}

Deno.test("colours go from −most to most", () => {
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

Deno.test("rows lie below one another with room for arrows, the highest layer above", () => {
  const { layout: { h, s, x, label, bars, height }, ranges } = sceneOf(unfolding([1, 1]));
  assert.deepEqual([h.height, s[0]!.height, x.height], [CELL, 3 * CELL, 2 * CELL]);
  assert.equal(s[1]!.y, h.y + h.height + GAP);
  assert.equal(s[0]!.y, s[1]!.y + s[1]!.height + GAP);
  assert.equal(x.y, s[0]!.y + s[0]!.height + GAP);
  assert.ok(label > x.y + x.height && bars.y > label && height > bars.y + bars.height);
  assert.deepEqual(ranges, { x: 1, s: 3, h: 0.25 });
});

Deno.test("bars are as high as their gradient is large, by powers of ten of the last one", () => {
  const scene = sceneOf(unfolding([0, 1e-12, 2e-4, 2]));
  const { y, height } = scene.layout.bars;
  assert.deepEqual([0, 2e-12, 2e-4, 2].map((gradient) => topOf(gradient, scene)), [
    y + height,
    y + height,
    y + height / 2,
    y,
  ]);
  assert.deepEqual(powersOf(scene).map(({ power }) => power), [0, -2, -4, -6, -8]);
  // Where it explodes the scale reaches up to it, where there is none it is drawn all the same.
  assert.deepEqual(powersOf(sceneOf(unfolding([500, 1])))[0], { power: 4, y });
  assert.equal(topOf(0, sceneOf(unfolding([0, 0]))), y + height);
});

Deno.test("steps share the width there is, and labels are as far apart as they are long", () => {
  const gradients = Array<number>(20).fill(1);
  assert.deepEqual(spacingOf(unfolding(gradients), 812), { step: 40, x: 1, h: 1, t: 4 });
  assert.deepEqual(spacingOf(unfolding(gradients, { label: "+12.3%" }), 412), { step: 20, x: 2, h: 2, t: 4 });
  assert.equal(spacingOf(unfolding(gradients), 100).step, 14);
});

Deno.test("the tables have every number that is drawn, and how large the weights are", () => {
  const { steps, weights } = listUnfolding(unfolding([0.5, 2]));
  assert.deepEqual(steps.rows, [
    ["1", "0.50", "x: 0.0 −0.50", "x: 0.25", "−3.0 1.0 0.0; −2.0 1.0 0.0"],
    ["2", "2.0", "x: 1.0 −0.50", "x: 0.25", "−3.0 1.0 0.0; −2.0 1.0 0.0"],
  ]);
  const size = ["1 × 1", "1 × 1", "0.0"];
  assert.deepEqual(weights.rows, [["U", ...size], ["W, layer 1", ...size], ["W, layer 2", ...size], ["V", ...size]]);
  assert.deepEqual([steps.head.length, weights.head.length], [5, 4]);
});

Deno.test("bindings touch what has changed alone", () => {
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
