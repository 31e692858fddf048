/**
 * Preloaded by the fuzz task: property tests draw from a new seed, which is printed so that a failure can be repeated.
 *
 * @module
 */

const seed = crypto.getRandomValues(new Int32Array(1))[0]!;
console.error(`property tests draw from seed ${seed}`);
Object.assign(globalThis, { propertySeed: seed });
