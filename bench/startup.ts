/**
 * Times `import "@unfold/core"` in a new process (loading, compiling and instantiating the kernels; the target is 20 ms), and
 * how long the apps take to print their help.
 *
 *     deno task bench startup
 *
 * @module
 */

import { table } from "../apps/shared/format.ts";
import { median, outputOf } from "./_measure.ts";

const RUNS = 21;
const IMPORT = 'const t = performance.now(); await import("@unfold/core"); console.log(performance.now() - t);';

/** Milliseconds until an app has printed its help. */
function startOf(app: string): number {
  const start = performance.now();
  outputOf(Deno.execPath(), ["run", "--no-prompt", "--allow-read", `apps/${app}/main.ts`, "--help"]);
  return performance.now() - start;
}

const measured: Record<string, () => number> = {
  'import "@unfold/core"': () => Number(outputOf(Deno.execPath(), ["eval", "--no-check", IMPORT])),
  "stock --help": () => startOf("stock"),
  "text --help": () => startOf("text"),
};
const rows = Object.entries(measured).map(([name, run]) => {
  const times = Array.from({ length: RUNS }, run);
  return [name, median(times).toFixed(1), `${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)}`];
});
console.log(table(["", "ms, median", "range"], rows));
