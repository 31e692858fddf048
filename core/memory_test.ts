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

Deno.test("a free list never returns overlapping ranges, and merges freed ones", () => {
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

Deno.test("scopes nest: an inner scope releases only its own tensors", () => {
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
      "Cannot use a tensor of shape [2]: its scope has ended; copy it with keep() before that, or open the scope " +
      "further out",
  });
});

Deno.test("an exception ends the scope and releases its tensors", () => {
  let lost: Tensor | undefined;
  assert.throws(() => {
    using _ = scope();
    lost = tensor([1]);
    throw new Error("out");
  }, /out/);
  assert.throws(() => lost!.data, ReferenceError);
});

Deno.test("ending a scope also ends inner scopes that were left open", () => {
  const outer = scope();
  scope();
  const inner = tensor([1]);
  outer[Symbol.dispose]();
  assert.throws(() => inner.data, ReferenceError);
  const ambient = tensor([2]);
  assert.equal(ambient.item(), 2);
});

Deno.test("ending a scope after its outer scope is an error, once", () => {
  const outer = scope();
  const inner = scope();
  outer[Symbol.dispose]();
  assert.throws(() => inner[Symbol.dispose](), {
    name: "ReferenceError",
    message:
      "Cannot end a scope: an outer scope that ended first has ended it too; scopes must end in the reverse order, " +
      "as those declared with `using _ = scope();` do",
  });
  inner[Symbol.dispose]();
  outer[Symbol.dispose]();
});

Deno.test("an exception that unwinds through several scopes arrives as it was thrown", () => {
  const error = new Error("out");
  const unwind = () => {
    using _ = scope();
    using __ = scope();
    // Left open: the outer scopes end it.
    scope();
    throw error;
  };
  assert.throws(unwind, (thrown) => thrown === error);
});

const acrossAwait = {
  name: "ReferenceError",
  message:
    "Cannot end a scope in order: it must not stay open across await or yield, where other code may allocate in it " +
    "or end it; await first, then open the scope, and keep() the tensors that outlive it",
};

Deno.test("a scope that stays open across await is an error when it ends, and is released all the same", async () => {
  let lost: Tensor | undefined;
  const wait = async () => {
    using _ = scope();
    lost = tensor([1]);
    await Promise.resolve();
    assert.equal(lost.item(), 1);
  };
  await assert.rejects(wait, acrossAwait);
  assert.throws(() => lost!.data, {
    name: "ReferenceError",
    message: /its scope has ended, after it was open across await or yield, .*open the scope after the await/,
  });
  using _ = scope();
  assert.equal(tensor([2]).item(), 2);
});

Deno.test("scopes of two functions that wait in turn are errors in both", async () => {
  const hold = async (turns: number) => {
    using _ = scope();
    for (let i = 0; i < turns; i++) await Promise.resolve();
  };
  const outcomes = await Promise.allSettled([hold(1), hold(3)]);
  for (const outcome of outcomes) {
    assert.equal(outcome.status, "rejected");
    assert.throws(() => {
      throw (outcome as PromiseRejectedResult).reason;
    }, acrossAwait);
  }
});

Deno.test("scopes opened again after every await are no error", async () => {
  for (let i = 0; i < 10; i++) {
    {
      using _ = scope();
      using __ = scope();
      assert.equal(sum(full([2], i)).item(), 2 * i);
    }
    await Promise.resolve();
  }
});

Deno.test("keep copies a tensor out of its scope; dispose frees it", () => {
  const before = memoryStats().blocks;
  let kept: Tensor;
  {
    using _ = scope();
    kept = keep(full([1000], 3));
  }
  assert.equal(kept.data[999], 3);
  assert.ok(memoryStats().blocks >= before + 4000);
  kept.dispose();
  assert.throws(() => kept.data, { message: "Cannot use a tensor of shape [1000]: it was disposed" });
  kept.dispose();
});

Deno.test("a scope holds a tensor larger than a chunk, and many small ones", () => {
  using _ = scope();
  const large = full([3_000_000], 1);
  const small = Array.from({ length: 3000 }, (_, i) => full([200], i));
  assert.equal(sum(large).item(), 3_000_000);
  small.forEach((x, i) => assert.ok(x.data.every((value) => value === i)));
});

Deno.test("a loop with scopes uses constant memory, for any sizes", () => {
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

Deno.test("a loop without scopes hits a budget, and the message names the fix", () => {
  const made: Tensor[] = [];
  assert.throws(
    () => {
      for (let i = 0; i < 100; i++) made.push(empty([16 * 2 ** 20]));
    },
    (error: Error) => {
      assert.equal(error.name, "RangeError");
      assert.match(
        error.message,
        /^Cannot allocate 64\.0 MiB for a tensor of shape \[16777216\]: tensors outside any scope may take 1\.0 GiB/,
      );
      assert.match(error.message, /start its body with `using _ = scope\(\);`/);
      return true;
    },
  );
  made.forEach((x) => x.dispose());
  assert.equal(tensor(1).item(), 1);
});

Deno.test("a request past 4 GiB reports what was requested and what is in use", () => {
  assert.throws(() => zeros([2 ** 31], { persistent: true }), {
    name: "RangeError",
    message:
      /^Cannot allocate 8\.0 GiB for a tensor of shape \[2147483648\]: .* are in use, .* cannot grow past 4\.0 GiB$/,
  });
});

Deno.test("a tensor larger than the memory is refused with its size, in a scope and outside", () => {
  const refused = {
    name: "RangeError",
    message: /^Cannot allocate 3\.6 TiB for a tensor of shape \[1000000, 1000000\]: .* cannot grow past 4\.0 GiB$/,
  };
  assert.throws(() => zeros([1e6, 1e6]), refused);
  using _ = scope();
  assert.throws(() => zeros([1e6, 1e6]), refused);
  assert.equal(tensor(1).item(), 1);
});

Deno.test("after reserve, later allocations do not move the memory", () => {
  reserve(2, 1 << 21);
  const { buffer } = memory;
  const blocks = [new Block(1 << 21, "a test"), new Block(1 << 21, "a test")];
  assert.equal(memory.buffer, buffer);
  blocks.forEach((block) => block.release());
});

Deno.test("released blocks are reused, and blocks start on cache lines", () => {
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
  for (const shape of [[1e308, 1e308, 0], [2 ** 53, 0]]) {
    const refused = { name: "RangeError", message: /^Cannot make a tensor: lengths must be at most 4294967296 / };
    assert.throws(() => zeros(shape), refused);
    assert.throws(() => tensor([], { shape }), refused);
  }
  assert.throws(() => zeros(3 as unknown as number[]), {
    name: "TypeError",
    message: "Cannot make a tensor: shape must be an array of lengths, such as [2, 3], got 3",
  });
  assert.throws(() => tensor([[1, 2], [3]]), /rows of axis 1 must all have length 2, got 1/);
  assert.throws(() => tensor([1, "2" as unknown as number]), /values must be numbers, all nested equally deep, got 2/);
  assert.throws(() => tensor([1, 2, 3], { shape: [2] }), /of shape \[2\]: it must have 2 values, got 3/);
  assert.throws(() => tensor([1, 2]).item(), /must have one element/);
  assert.throws(
    () => tensor([1], { dtype: "i32", requiresGrad: true }),
    /dtype must be "f32", or "i32" without a gradient, got "i32" with requiresGrad/,
  );
});

Deno.test("console.log shows shape and first values", () => {
  using _ = scope();
  assert.equal(Deno.inspect(tensor([[1, 2.5]])), "Tensor(f32 [1, 2]) 1 2.5");
  assert.match(Deno.inspect(zeros([10])), /0 0 0 …$/);
});

Deno.test("changing the caller's shape array does not change the tensor", () => {
  const shape = [2, 2];
  const x = zeros(shape);
  shape[0] = 50;
  assert.deepEqual(x.shape, [2, 2]);
});

Deno.test("i32 tensors accept only 32-bit integers", () => {
  for (const value of [1.5, NaN, 2 ** 31]) {
    assert.throws(() => tensor([0, value], { dtype: "i32" }), {
      name: "RangeError",
      message: `Cannot make a tensor of integers: values must be 32-bit integers, got ${value} at position 1`,
    });
  }
});

/** Bytes that a step allocates on the JavaScript heap: the median of many, since the collector runs at any time. */
function heapPerStep(step: () => void): number {
  for (let i = 0; i < 1000; i++) step();
  const growth = Array.from({ length: 500 }, () => {
    const before = Deno.memoryUsage().heapUsed;
    step();
    return Deno.memoryUsage().heapUsed - before;
  });
  return growth.toSorted((a, b) => a - b)[250]!;
}

Deno.test("a training step allocates no more on the JavaScript heap for large tensors than for small ones", () => {
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

Deno.test("scopes keep working when the memory has no room for a chunk as large as all before", () => {
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

Deno.test("allocation on the JavaScript heap does not depend on the number of rows, batches or lines", () => {
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
    // For matmul, a scope and a right operand per matrix take a few hundred bytes.
    const allowed = name === "matmul" ? 400 * 1000 : 8192;
    assert.ok(large < small + allowed, `${name}: ${small} and ${large} bytes a step`);
  }
});
