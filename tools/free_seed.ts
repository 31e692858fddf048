/**
 * Gives property tests a new seed and prints it, so that a failure can be reproduced:
 * `deno test --preload=tools/free_seed.ts`.
 *
 * @module
 */

const seed = crypto.getRandomValues(new Int32Array(1))[0]!;
console.error(`property tests use seed ${seed}`);
Object.assign(globalThis, { propertySeed: seed });
