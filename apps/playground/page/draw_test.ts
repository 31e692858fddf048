import assert from "node:assert/strict";
import type { Unfolding } from "../worker/unfold_network.ts";
import { unfolding } from "./_unfolding.ts";
import { drawWeights, spacingOf } from "./draw.ts";
import { Bindings, type Scene, sceneOf } from "./figure.ts";

/** The part of an element that drawing uses. */
class FakeElement {
  readonly attributes = new Map<string, string>();
  readonly children: FakeElement[] = [];
  textContent = "";

  constructor(readonly tag: string) {}

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  append(...children: (FakeElement | string)[]): void {
    for (const child of children) {
      if (typeof child === "string") this.textContent += child;
      else this.children.push(child);
    }
  }
}

function drawn(scene: Scene): FakeElement {
  const bindings = new Bindings<Scene>();
  const before = Object.getOwnPropertyDescriptor(globalThis, "document");
  const document = { createElementNS: (_: string, tag: string) => new FakeElement(tag) };
  Object.defineProperty(globalThis, "document", { value: document, configurable: true });
  try {
    const figure = drawWeights(scene, bindings) as unknown as FakeElement;
    bindings.update(scene);
    return figure;
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "document");
    else Object.defineProperty(globalThis, "document", before);
  }
}

Deno.test("V is drawn transposed, with states across and outputs down; U is drawn as it is", () => {
  const matrix = (rows: number, columns: number) =>
    ({
      rows,
      columns,
      shape: [rows, columns],
      values: Float32Array.from({ length: rows * columns }, (_, i) => i),
    }) as const;
  const network: Unfolding = {
    steps: [{
      input: { label: "x", values: new Float32Array(1) },
      states: [new Float32Array(3)],
      output: { label: "y", values: new Float32Array(2) },
      gradient: 1,
    }],
    inputWeight: matrix(1, 3),
    recurrentWeights: [matrix(3, 3)],
    outputWeight: matrix(3, 2),
    gate: undefined,
    switchedOff: false,
    sizes: { input: 1, state: 3, output: 2 },
    loss: 1,
  };
  const groups = drawn(sceneOf(network)).children.filter(({ tag }) => tag === "g");
  const levels = (name: string) => {
    const group = groups.find(({ children }) => children[0]!.textContent.startsWith(name))!;
    const cells = group.children.slice(1).map(({ attributes }) => attributes);
    const places = (axis: string) => [...new Set(cells.map((cell) => Number(cell.get(axis))))].sort((a, b) => a - b);
    return places("y").map((y) =>
      places("x").map((x) =>
        cells.find((cell) => Number(cell.get("x")) === x && Number(cell.get("y")) === y)!.get("class")!
      )
    );
  };
  // The values 0 to 5, row by row, have levels 10 to 20.
  assert.deepEqual(levels("V"), [["level-10", "level-14", "level-18"], ["level-12", "level-16", "level-20"]]);
  assert.deepEqual(levels("U"), [["level-10", "level-15", "level-20"]]);
});

Deno.test("time steps share the available width, and labels do not overlap", () => {
  const gradients = Array<number>(20).fill(1);
  assert.deepEqual(spacingOf(unfolding(gradients), 812), { step: 40, x: 1, h: 1, t: 4 });
  assert.deepEqual(spacingOf(unfolding(gradients, { label: "+12.3%" }), 412), { step: 20, x: 2, h: 2, t: 4 });
  assert.equal(spacingOf(unfolding(gradients), 100).step, 14);
});
