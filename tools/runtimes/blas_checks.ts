/** Computes products with OpenBLAS on Node and Bun, where the package koffi opens libraries. */

import { useBlas } from "@unfold/core";
import assert from "node:assert/strict";
import { csv, QUICK } from "../../apps/stock/_testing.ts";
import koffi from "./package.json" with { type: "json" };
import { HAS_RUNTIMES, outputOf, project, run, RUNTIMES } from "./_project.ts";

/** Products of small integers are exact. Prints the library's path. */
const PROGRAM = `
import { empty, matmul, scope, useBlas, useThreads, zeros } from "@unfold/core";
import assert from "node:assert/strict";

assert.equal(await useThreads(2), 2);
const blas = useBlas();
const outer = scope();
const [a, b] = [empty([64, 48]), empty([48, 80])];
a.data.forEach((_, i, data) => data[i] = i % 7 - 3);
b.data.forEach((_, i, data) => data[i] = i % 5 - 2);
const product = () => matmul(a, b).data.slice();
const expected = Array.from({ length: 64 * 80 }, (_, at) => {
  let sum = 0;
  for (let k = 0; k < 48; k++) sum += a.data[Math.floor(at / 80) * 48 + k] * b.data[k * 80 + at % 80];
  return sum;
});
assert.deepEqual([...product()], expected);
// The memory grows.
zeros([50_000_000]);
assert.deepEqual([...product()], expected);
blas[Symbol.dispose]();
assert.deepEqual([...product()], expected);
outer[Symbol.dispose]();
console.log(blas.path);
`;

/** Whether this machine has OpenBLAS. */
function isInstalled(): boolean {
  try {
    useBlas()[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

const ignore = !HAS_RUNTIMES || !isInstalled();
const each = (name: string, fn: (path: string) => Promise<void>) => {
  for (const [runtime, path] of Object.entries(RUNTIMES)) {
    Deno.test({ name: `${runtime} ${name}`, ignore, fn: () => fn(path) });
  }
};

Deno.test("the program with BLAS is written", () => Deno.writeTextFile(`${project}/blas.js`, PROGRAM));

each("says how to get BLAS", (path) =>
  assert.rejects(
    outputOf(project, path, "blas.js"),
    /Cannot use BLAS: outside Deno, the package koffi must be installed; run `npm install koffi`/,
  ));

Deno.test("koffi is installed", () =>
  run(project, "npm", "install", "--no-audit", "--no-fund", `koffi@${koffi.devDependencies.koffi}`));

each("computes with BLAS", async (path) => {
  assert.match((await outputOf(project, path, "blas.js")).stdout, /openblas/);
});

each("runs an app with BLAS", async (path) => {
  await Deno.writeTextFile(`${project}/prices.csv`, csv(300));
  const unfold = `${project}/node_modules/@unfold/apps/unfold.js`;
  const { stdout } = await outputOf(project, path, unfold, "stock", "--csv", "prices.csv", ...QUICK, "--blas");
  assert.match(stdout, /^next day's close .*MSE/m);
});

each("refuses what is not a BLAS, and names it", async (path) => {
  for (const library of ["/nowhere/libopenblas.so", "/lib/x86_64-linux-gnu/libm.so.6"]) {
    const program = `import { useBlas } from "@unfold/core"; useBlas(${JSON.stringify(library)});`;
    await Deno.writeTextFile(`${project}/no_blas.js`, program);
    await assert.rejects(
      outputOf(project, path, "no_blas.js"),
      ({ message }: Error) => message.includes(`rror: Cannot use BLAS: ${library}: `),
    );
  }
});
