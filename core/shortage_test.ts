import { add, memoryStats, scope, zeros } from "@unfold/core";
import assert from "node:assert/strict";
import { Block } from "./memory.ts";
import { scratch } from "./scope.ts";

const GIB = 2 ** 30;

Deno.test("what a big scope used is given back when other tensors need it, but not under an open scope", () => {
  const kept: Block[] = [];
  try {
    {
      using _ = scope();
      scratch(2.5 * GIB);
    }
    assert.ok(memoryStats().scopes >= 2.5 * GIB);
    kept.push(new Block(2 * GIB, "a test"));
    assert.ok(memoryStats().scopes < GIB);
    {
      using _ = scope();
      const x = zeros([1000]);
      x.data[0] = 7;
      {
        using _inner = scope();
        scratch(1.25 * GIB);
      }
      // The inner scope's chunk goes, the outer one's stays.
      kept.push(new Block(GIB, "a test"));
      assert.ok(memoryStats().scopes < GIB);
      assert.equal(x.data[0], 7);
      assert.equal(add(x, x).data[0], 14);
      assert.throws(() => new Block(3 * GIB, "a test"), {
        name: "RangeError",
        message: /^Cannot allocate 3\.0 GiB for a test: .* cannot grow past 4\.0 GiB$/,
      });
    }
  } finally {
    for (const block of kept) block.release();
  }
});
