/**
 * fast-check with a fixed seed, so that every run tests the same cases. To test others, preload `tools/free_seed.ts`,
 * which sets a new seed.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";

fc.configureGlobal({ seed: (globalThis as { propertySeed?: number }).propertySeed ?? 1 });

export default fc;
