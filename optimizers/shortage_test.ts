import { memoryStats, Parameter } from "@unfold/core";
import { memory } from "@unfold/core/kernels";
import assert from "node:assert/strict";
import { Block } from "../core/memory.ts";
import { adam, Optimizer, type OptimizerPlugin, sgd } from "./mod.ts";

const MIB = 2 ** 20;

/** Fills the memory until less than some bytes are free. */
function fill(free: number): Block[] {
  const kept: Block[] = [];
  for (let bytes = 1024 * MIB; bytes >= MIB;) {
    if (memoryStats().blocks + bytes + free > 4096 * MIB) {
      bytes /= 2;
      continue;
    }
    try {
      kept.push(new Block(bytes, "a test"));
    } catch {
      bytes /= 2;
    }
  }
  return kept;
}

Deno.test("near the end of the memory an optimizer steps if the slots of its rule fit", () => {
  const size = 16 * MIB;
  const weights = [1, 2, 3].map(() => new Parameter([size / 4]));
  const optimizers = [sgd(), sgd({ momentum: 0.9 }), adam()].map((rule, i) =>
    new Optimizer({ weight: weights[i]! }, [rule], { learningRate: 1 })
  );
  // Room for one slot, not for two.
  const kept = fill(20 * MIB);
  try {
    const { byteLength } = memory.buffer;
    weights[0]!.grad.data.fill(1);
    optimizers[0]!.step();
    assert.equal(weights[0]!.data[5], -1);
    assert.throws(() => optimizers[2]!.step(), /^RangeError: Cannot allocate 16\.0 MiB for /);
    assert.ok(memory.buffer.byteLength - byteLength < 32 * MIB);
  } finally {
    for (const block of kept) block.release();
  }
  weights[1]!.grad.data.fill(1);
  optimizers[1]!.step();
  assert.equal(weights[1]!.data[5], -1);
});

Deno.test("only the first step makes room for slots", () => {
  const weight = new Parameter([64 * MIB / 4]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1 });
  optimizer.step();
  const { blocks } = memoryStats();
  const kept = fill(8 * MIB);
  optimizer.step();
  for (const block of kept) block.release();
  assert.equal(memoryStats().blocks, blocks);
});

Deno.test("a rule may still make six slots at its first step, and no more at a later one than fit", () => {
  const weight = new Parameter([MIB / 4]);
  const seen: number[] = [];
  const many: OptimizerPlugin = {
    name: "many",
    update({ params, slot }) {
      for (let i = 0; i < 6; i++) seen.push(slot(`s${i}`).length);
      params[0] = params.length;
    },
  };
  new Optimizer({ weight }, [many], { learningRate: 1 }).step();
  assert.deepEqual(new Set(seen), new Set([MIB / 4]));
});
