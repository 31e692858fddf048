import { single } from "@unfold/distributed";
import assert from "node:assert/strict";
import { checkBatch, checkMemory } from "./memory.ts";

const options = { lower: "--hidden or --layers", communicator: single() };

Deno.test("a network that fits passes, and one that does not is refused with the figure and what to lower", () => {
  checkMemory({ weights: 1e6, step: 1e6 }, { ...options, free: 2 ** 30 });
  assert.throws(() => checkMemory({ weights: 1e9, step: 1e6 }, { ...options, free: 2 ** 50 }), {
    name: "RangeError",
    message:
      "Cannot train: the network must fit into the memory of the engine, 4.0 GiB, got about 15 GiB (15 GiB for " +
      "1,000,000,000 weights with gradients and optimizer state, 0.0 GiB for a batch); lower --hidden or --layers",
  });
  assert.throws(() => checkMemory({ weights: 0, step: 2 ** 31 }, { ...options, free: 2 ** 50 }), {
    message: /got about 8.0 GiB \(0.0 GiB for 0 weights .*, 8.0 GiB for a batch\)/,
  });
  assert.throws(() => checkMemory({ weights: Infinity, step: 1 }, { ...options, free: 2 ** 50 }), RangeError);
});

Deno.test("other networks that are kept count, and batches without gradients take half", () => {
  const free = 2 ** 50;
  checkMemory({ weights: 1e8, step: 0 }, { ...options, others: 2, free });
  assert.throws(() => checkMemory({ weights: 1e8, step: 0 }, { ...options, others: 4, free }), {
    message:
      /^Cannot train: .*, got about 4.5 GiB \(1.5 GiB for .*, 0.0 GiB for a batch, 3.0 GiB for 4 other networks\)/,
  });
  checkBatch("evaluate", { step: 2 ** 31 }, { lower: "--batch-size", free });
  assert.throws(() => checkBatch("evaluate", { step: 2 ** 31 + 2 ** 28 }, { lower: "--batch-size", free }), {
    name: "RangeError",
    message: "Cannot evaluate: a batch must fit into 4.0 GiB of memory, got about 4.5 GiB; lower --batch-size",
  });
  assert.throws(() => checkBatch("evaluate", { step: 2 ** 30 }, { lower: "--batch-size", free: 2 ** 30 }), RangeError);
});

Deno.test("ranks share a batch, but each has all weights", () => {
  const sizes = { weights: 1e7, step: 2 ** 31 };
  checkMemory(sizes, { ...options, communicator: { size: 4 }, free: 2 ** 32 });
  assert.throws(() => checkMemory(sizes, { ...options, communicator: { size: 4 }, free: 2 ** 31 }), {
    message:
      /^Cannot train: the network must fit into the memory that this machine has free, 2.0 GiB, got about 2.3 GiB/,
  });
  assert.throws(() => checkMemory(sizes, { ...options, free: 2 ** 34 }), /the memory of the engine/);
});
