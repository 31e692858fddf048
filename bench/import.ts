/**
 * How long `import "@unfold/core"` takes in a fresh process: loading, compiling and instantiating the kernels. The target is
 * 20 ms.
 *
 *     deno task bench:import
 *
 * @module
 */

import { median } from "./_measure.ts";

const RUNS = 21;
const program = 'const t = performance.now(); await import("@unfold/core"); console.log(performance.now() - t);';

const times: number[] = [];
for (let run = 0; run < RUNS; run++) {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", "--no-check", program] }).output();
  times.push(Number(new TextDecoder().decode(stdout)));
}
console.log(
  `import "@unfold/core": ${median(times).toFixed(1)} ms (${Math.min(...times).toFixed(1)} to ${
    Math.max(...times).toFixed(1)
  })`,
);
