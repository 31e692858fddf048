/**
 * fast-check with a fixed seed, so that the tests of the suite draw the same cases in every run. The fuzz task draws others:
 * it preloads `tools/free_seed.ts`, which sets a seed first.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";

fc.configureGlobal({ seed: (globalThis as { propertySeed?: number }).propertySeed ?? 1 });

export default fc;
