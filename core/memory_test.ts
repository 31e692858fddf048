import fc from "fast-check";
import assert from "node:assert/strict";
import {
  add,
  empty,
  full,
  keep,
  matmul,
  max,
  mean,
  memoryStats,
  multiply,
  Parameter,
  scope,
  subtract,
  sum,
  tanh,
  type Tensor,
  tensor,
  transpose,
  zeros,
} from "@unfold/core";
import { view } from "@unfold/core/kernels";
import { Block, FreeList, memory, reserve } from "./memory.ts";

Deno.test("a free list never hands out overlapping ranges, and merges what comes back", () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.boolean())), (actions) => {
    const list = new FreeList();
    list.give({ offset: 0, bytes: 1000 });
    const taken: { offset: number; bytes: number }[] = [];
    for (const [bytes, giveBack] of actions) {
      const offset = list.take(bytes);
      if (offset !== undefined) {
        assert.ok(taken.every((other) => offset + bytes <= other.offset || other.offset + other.bytes <= offset));
        taken.push({ offset, bytes });
      }
      if (giveBack && taken.length > 0) list.give(taken.splice(bytes % taken.length, 1)[0]!);
      assert.equal(list.free + taken.reduce((total, range) => total + range.bytes, 0), 1000);
    }
    for (const range of taken) list.give(range);
    assert.equal(list.take(1000), 0);
  }));
});

Deno.test("scopes nest: an inner one releases only what it made", () => {
  using _ = scope();
  const outer = tensor([1, 2]);
  let inner: Tensor;
  {
    using _ = scope();
    inner = add(outer, outer);
    assert.deepEqual(inner.toArray(), [2, 4]);
  }
  assert.deepEqual(outer.toArray(), [1, 2]);
  assert.throws(() => inner.data, {
    name: "ReferenceError",
    message:
      "Cannot use a tensor of shape [2]: its scope has ended; take it out with keep() before that, or open the scope " +
      "further out",
  });
});

Deno.test("a scope releases when it is left by an exception", () => {
  let lost: Tensor | undefined;
  assert.throws(() => {
    using _ = scope();
    lost = tensor([1]);
    throw new Error("out");
  }, /out/);
  assert.throws(() => lost!.data, ReferenceError);
});

Deno.test("a scope that ends takes forgotten inner scopes with it", () => {
  const outer = scope();
  scope();
  const inner = tensor([1]);
  outer[Symbol.dispose]();
  assert.throws(() => inner.data, ReferenceError);
  const ambient = tensor([2]);
  assert.equal(ambient.item(), 2);
});

Deno.test("keep copies out of the scope; dispose gives the memory back", () => {
  const before = memoryStats().blocks;
  let kept: Tensor;
  {
    using _ = scope();
    kept = keep(full([1000], 3));
  }
  assert.equal(kept.data[999], 3);
  assert.ok(memoryStats().blocks >= before + 4000);
  kept.dispose();
  assert.throws(() => kept.data, { message: "Cannot use a tensor of shape [1000]: it has been disposed of" });
  kept.dispose();
});

Deno.test("a tensor larger than a chunk, and many small ones, fit into one scope", () => {
  using _ = scope();
  const large = full([3_000_000], 1);
  const small = Array.from({ length: 3000 }, (_, i) => full([200], i));
  assert.equal(sum(large).item(), 3_000_000);
  small.forEach((x, i) => assert.ok(x.data.every((value) => value === i)));
});

Deno.test("a loop with scopes holds memory constant, whatever the sizes", () => {
  const once = (size: number) => {
    using _ = scope();
    const x = full([size], 2);
    return sum(multiply(x, x)).item();
  };
  for (let i = 0; i < 200; i++) once(1 + (i * 7919) % 100_000);
  const before = memoryStats();
  for (let i = 0; i < 2000; i++) once(1 + (i * 7919) % 100_000);
  assert.deepEqual(memoryStats(), before);
});

Deno.test("a loop without scopes runs into a budget whose message names the fix", () => {
  const made: Tensor[] = [];
  assert.throws(
    () => {
      for (let i = 0; i < 100; i++) made.push(empty([16 * 2 ** 20]));
    },
    (error: Error) => {
      assert.equal(error.name, "RangeError");
      assert.match(
        error.message,
        /^Cannot allocate 64\.0 MiB for a tensor of shape \[16777216\]: outside any scope tensors may take 1\.0 GiB/,
      );
      assert.match(error.message, /put `using _ = scope\(\);` first in its body/);
      return true;
    },
  );
  made.forEach((x) => x.dispose());
  assert.equal(tensor(1).item(), 1);
});

Deno.test("a request past 4 GiB says what was asked, what is in use and where", () => {
  assert.throws(() => zeros([2 ** 31], { persistent: true }), {
    name: "RangeError",
    message:
      /^Cannot allocate 8\.0 GiB for a tensor of shape \[2147483648\]: .* are in use .* cannot grow past 4\.0 GiB$/,
  });
});

Deno.test("reserve lets later blocks be allocated under a view", () => {
  reserve(2, 1 << 21);
  const { buffer } = memory;
  const blocks = [new Block(1 << 21, "a test"), new Block(1 << 21, "a test")];
  assert.equal(memory.buffer, buffer);
  blocks.forEach((block) => block.release());
});

Deno.test("views of released blocks are reused, and blocks start on cache lines", () => {
  const block = new Block(100, "a test");
  assert.equal(block.offset % 64, 0);
  assert.equal(block.bytes, 128);
  view(block.offset, 25).fill(1);
  block.release();
  block.release();
  const again = new Block(100, "a test");
  assert.equal(again.offset, block.offset);
  again.release();
});

Deno.test("bad shapes and values are refused", () => {
  assert.throws(() => empty([2, -1]), {
    name: "RangeError",
    message: "Cannot make a tensor: shape must be integers of 0 or more, got [2, -1]",
  });
  assert.throws(() => tensor([[1, 2], [3]]), /rows of axis 1 must all have length 2, got 1/);
  assert.throws(() => tensor([1, "2" as unknown as number]), /values must be numbers nested to one depth, got 2/);
  assert.throws(() => tensor([1, 2, 3], { shape: [2] }), /of shape \[2\]: it must have 2 values, got 3/);
  assert.throws(() => tensor([1, 2]).item(), /must have one element/);
});

Deno.test("console.log shows shape and first values", () => {
  using _ = scope();
  assert.equal(Deno.inspect(tensor([[1, 2.5]])), "Tensor(f32 [1, 2]) 1 2.5");
  assert.match(Deno.inspect(zeros([10])), /0 0 0 …$/);
});

Deno.test("a tensor keeps its shape whatever becomes of the caller's array", () => {
  const shape = [2, 2];
  const x = zeros(shape);
  shape[0] = 50;
  assert.deepEqual(x.shape, [2, 2]);
});

Deno.test("integers must be integers of 32 bits", () => {
  for (const value of [1.5, NaN, 2 ** 31]) {
    assert.throws(() => tensor([0, value], { dtype: "i32" }), {
      name: "RangeError",
      message: `Cannot make a tensor of integers: values must be integers of 32 bits, got ${value} at position 1`,
    });
  }
});

/** What a step puts on the JavaScript heap, in bytes: the median of many, for the collector runs when it likes. */
function heapPerStep(step: () => void): number {
  for (let i = 0; i < 1000; i++) step();
  const growth = Array.from({ length: 500 }, () => {
    const before = Deno.memoryUsage().heapUsed;
    step();
    return Deno.memoryUsage().heapUsed - before;
  });
  return growth.toSorted((a, b) => a - b)[250]!;
}

Deno.test("a training step puts no more on the JavaScript heap for large tensors than for small ones", () => {
  const stepOf = (size: number) => {
    const weight = new Parameter([size]);
    const target = full([size], 1, { persistent: true });
    return () => {
      using _ = scope();
      const error = subtract(tanh(weight), target);
      mean(multiply(error, error)).backward();
      weight.zeroGrad();
    };
  };
  const [small, large] = [heapPerStep(stepOf(10)), heapPerStep(stepOf(100_000))];
  assert.ok(small > 0 && large < small + 4096, `${small} and ${large} bytes a step`);
});

Deno.test("scopes go on where the memory has no room for a chunk as large as all before", () => {
  const take = (bytes: number) => {
    using _ = scope();
    empty([Math.round(bytes / 4)]);
  };
  take(1.1 * 2 ** 30);
  const pin = full([2 ** 21], 1, { persistent: true });
  take(1.2 * 2 ** 30);
  take(64);
  pin.dispose();
  for (const gigabytes of [0.9, 1.8, 2.4]) take(gigabytes * 2 ** 30);
});

Deno.test("the JavaScript heap does not grow with the number of rows, batches or lines either", () => {
  const steps: Record<string, (size: number) => () => void> = {
    transpose: (size) => {
      const weight = new Parameter([8, size, 4]);
      return () => sum(transpose(weight, [1, 0, 2])).backward();
    },
    broadcast: (size) => {
      const [a, b] = [full([size, 2, 3], 1, { persistent: true }), full([1, 2, 1], 1, { persistent: true })];
      return () => void add(a, b);
    },
    matmul: (size) => {
      const a = full([size, 2, 2], 1, { persistent: true });
      return () => void matmul(a, a);
    },
    max: (size) => {
      const a = full([size, 3], 1, { persistent: true });
      return () => void max(a, { axis: 0 });
    },
  };
  for (const [name, make] of Object.entries(steps)) {
    const inScope = (step: () => void) => () => {
      using _ = scope();
      step();
    };
    const [small, large] = [4, 400].map((size) => heapPerStep(inScope(make(size)))) as [number, number];
    // A scope and a right operand for each matrix are a few hundred bytes; what is looped over must not add to the rest.
    const allowed = name === "matmul" ? 400 * 1000 : 8192;
    assert.ok(large < small + allowed, `${name}: ${small} and ${large} bytes a step`);
  }
});
