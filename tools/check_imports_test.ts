import assert from "node:assert/strict";
import { cyclesIn, graphOf, importsOf, problemsOf } from "./check_imports.ts";

Deno.test("imports are found in every form, but not in comments", () => {
  const source = `import { a } from "./a.ts";
import type { B } from "b";
import "./side.ts";
export * from "./c.ts";
export {
  d,
} from "d";
export { f, // it's needed
} from "./f.ts";
// import "no";
/** import { x } from "no"; */
const e = await import("./e.ts");`;
  assert.deepEqual(importsOf(source), [
    { specifier: "./a.ts", typeOnly: false },
    { specifier: "b", typeOnly: true },
    { specifier: "./side.ts", typeOnly: false },
    { specifier: "./c.ts", typeOnly: false },
    { specifier: "d", typeOnly: false },
    { specifier: "./f.ts", typeOnly: false },
    { specifier: "./e.ts", typeOnly: false },
  ]);
});

Deno.test("forbidden edges between folders are reported", () => {
  const from = (path: string, specifier: string, type = "") =>
    problemsOf(path, `import ${type}{ x } from "${specifier}";`);
  assert.deepEqual(from("layers/a.ts", "@unfold/core/kernels"), []);
  assert.deepEqual(from("core/ops/a.ts", "../tensor.ts"), []);
  assert.deepEqual(from("training/a.ts", "@unfold/layers", "type "), []);
  assert.deepEqual(from("layers/a_test.ts", "@unfold/optimizers"), []);
  assert.deepEqual(from("apps/stock/a.ts", "../../core/tensor.ts"), []);
  assert.deepEqual(from("distributed/a.ts", "@unfold/training", "type "), []);
  assert.deepEqual(from("training/a.ts", "@unfold/distributed", "type "), [
    "training/a.ts: training must not import types of distributed, got @unfold/distributed",
  ]);
  assert.deepEqual(from("training/a.ts", "@unfold/layers"), [
    "training/a.ts: training must not import values of layers, got @unfold/layers",
  ]);
  assert.deepEqual(from("layers/a.ts", "@unfold/optimizers", "type "), [
    "layers/a.ts: layers must not import types of optimizers, got @unfold/optimizers",
  ]);
  assert.deepEqual(from("layers/a.ts", "../core/tensor.ts"), [
    "layers/a.ts: core must be imported as @unfold/core, got ../core/tensor.ts",
  ]);
  assert.deepEqual(from("training/a.ts", "node:fs", "type "), []);
  assert.deepEqual(from("training/a.ts", "node:fs"), [
    "training/a.ts: a library module must not have dependencies, got node:fs",
  ]);
  assert.deepEqual(from("core/a.ts", "npm:left-pad"), [
    "core/a.ts: a library module must not have dependencies, got npm:left-pad",
  ]);
});

/** The cycles of sources by their paths. */
function cyclesOf(sources: Record<string, string>): string[][] {
  return cyclesIn(graphOf(new Map(Object.entries(sources)), new Map([["@unfold/core", "core/mod.ts"]])));
}

Deno.test("an import cycle is reported as a path, through type-only imports, re-exports and module names too", () => {
  assert.deepEqual(
    cyclesOf({
      "apps/main.ts": 'import "../core/mod.ts";',
      "core/mod.ts": 'export * from "./tensor.ts";',
      "core/tensor.ts": 'import type { Op } from "./ops/op.ts";',
      "core/ops/op.ts": 'import { tensor } from "@unfold/core";',
    }),
    [["core/mod.ts", "core/tensor.ts", "core/ops/op.ts", "core/mod.ts"]],
  );
  assert.deepEqual(cyclesOf({ "tools/a.ts": 'import { a } from "./a.ts";' }), [["tools/a.ts", "tools/a.ts"]]);
});

Deno.test("files that share an import are not a cycle, and neither are other packages", () => {
  assert.deepEqual(
    cyclesOf({
      "core/mod.ts": 'import "./a.ts";\nimport "./b.ts";',
      "core/a.ts": 'import "./c.ts";',
      "core/b.ts": 'import "./c.ts";\nimport "core/mod.ts";',
      "core/c.ts": 'import "fast-check";\nimport "./missing.ts";',
    }),
    [],
  );
});
