import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { sharedMemoryFor, SharedRanks } from "./_shared_ranks.ts";

/** Ranks that share memory, here on one thread. */
function ranksOf(size: number, timeout = 5): SharedRanks[] {
  const shared = sharedMemoryFor(size);
  return Array.from({ length: size }, (_, rank) => new SharedRanks(shared, { rank, size, timeout }));
}

for (const size of [2, 3, 5]) {
  Deno.test(`${size} ranks: sum, mean and max match a plain loop for any length, and are equal on all ranks`, async () => {
    const random = new Random(size);
    // Lengths around the size of a chunk.
    for (const Numbers of [Float32Array, Float64Array]) {
      for (const length of [0, 1, 2, 7, 2 ** 17 + 3, 2 ** 19 + 5]) {
        for (const reduction of ["sum", "mean", "max"] as const) {
          const arrays = Array.from({ length: size }, () => new Numbers(length).map(() => random.normal()));
          const places = [0, 1, length >> 1, length - 2, length - 1].filter((place) => place >= 0 && place < length);
          const expected = places.map((place) => {
            const values = arrays.map((array) => array[place]!);
            const sum = values.reduce((a, b) => a + b);
            return reduction === "max" ? Math.max(...values) : reduction === "mean" ? sum / size : sum;
          });
          await Promise.all(ranksOf(size).map((ranks, rank) => ranks.allReduce(arrays[rank]!, reduction)));
          for (const array of arrays) assert.deepEqual(array, arrays[0]);
          places.forEach((place, i) => assert.ok(Math.abs(arrays[0]![place]! - expected[i]!) < 1e-6, `${place}`));
        }
      }
    }
  });
}

Deno.test("broadcast copies arrays of any length and any view", async () => {
  const arrays = Array.from({ length: 3 }, (_, rank) => new Uint8Array(2 ** 20 + 77).fill(rank));
  const all = ranksOf(3);
  await Promise.all(all.map((ranks, rank) => ranks.broadcast(arrays[rank]!.subarray(3), 2)));
  for (const [rank, array] of arrays.entries()) {
    assert.deepEqual([array[2], array[3], array.at(-1)], [rank, 2, 2]);
  }
  await Promise.all(all.map((ranks) => ranks.barrier()));
  await Promise.all(all.map((ranks) => ranks.close()));
});

Deno.test("waiting for a rank that exited or does not respond throws", async () => {
  const [first, second] = ranksOf(2) as [SharedRanks, SharedRanks];
  const waiting = first.barrier();
  second.leave();
  await assert.rejects(waiting, { message: "Cannot wait at a barrier: all ranks must be running, got rank 1 exited" });
  const [alone] = ranksOf(2, 0.05) as [SharedRanks];
  await assert.rejects(alone.allReduce(Float32Array.of(1), "sum"), {
    message: "Cannot all-reduce: the other ranks must respond within 0.05 s, got a timeout",
  });
});

Deno.test("the first rank to leave says why", async () => {
  const [first, second, third] = ranksOf(3) as [SharedRanks, SharedRanks, SharedRanks];
  second.leave("Requires env access");
  second.leave();
  third.leave("another reason");
  await assert.rejects(first.allReduce(new Float32Array(10), "sum"), {
    message: "Cannot all-reduce: all ranks must be running, got on rank 1 the error: Requires env access",
  });
  const [alone, other] = ranksOf(2) as [SharedRanks, SharedRanks];
  other.leave("ä".repeat(1e6));
  await assert.rejects(alone.barrier(), /the error: ä{4000}$/);
});

Deno.test("a sleeping rank wakes when another exits", async () => {
  const [first, second] = ranksOf(2, 60) as [SharedRanks, SharedRanks];
  const waiting = first.barrier();
  let timer: ReturnType<typeof setTimeout> | undefined;
  setTimeout(() => second.leave(), 50);
  const late = new Promise((resolve) => timer = setTimeout(() => resolve("late"), 60_000));
  await assert.rejects(Promise.race([waiting, late]), /got rank 1 exited/);
  clearTimeout(timer);
});

Deno.test("different calls on different ranks, and two calls at a time, are refused", async () => {
  const different: ((ranks: SharedRanks) => Promise<void>)[] = [
    (ranks) => ranks.allReduce(new Float32Array(5), "sum"),
    (ranks) => ranks.allReduce(new Float32Array(3), "sum"),
    (ranks) => ranks.allReduce(new Float64Array(5), "sum"),
    (ranks) => ranks.allReduce(new Float32Array(5), "max"),
    (ranks) => ranks.allReduce(new Float32Array(0), "sum"),
    (ranks) => ranks.broadcast(new Float32Array(5)),
    (ranks) => ranks.broadcast(new Float32Array(5), 1),
  ];
  for (const [i, one] of different.entries()) {
    for (const other of different.slice(i + 1)) {
      const outcomes = await Promise.allSettled(
        ranksOf(2).map((ranks, rank) => rank === 0 ? one(ranks) : other(ranks)),
      );
      for (const { status } of outcomes) assert.equal(status, "rejected");
    }
  }
  const unequal = ranksOf(2).map((ranks, rank) => ranks.allReduce(new Float32Array(5 - 2 * rank), "sum"));
  await Promise.all(unequal.map((one) =>
    assert.rejects(one, {
      message:
        "Cannot all-reduce: all ranks must make the same call, got the sum of 5 values in a Float32Array on rank 0 and " +
        "the sum of 3 values in a Float32Array on rank 1",
    })
  ));
  const [first, second] = ranksOf(2) as [SharedRanks, SharedRanks];
  const x = Float32Array.of(1);
  const under = first.allReduce(x, "sum");
  await assert.rejects(first.barrier(), {
    message: "Cannot wait at a barrier: calls must be made one at a time, got one during all-reduce",
  });
  await second.allReduce(Float32Array.of(2), "sum");
  await under;
  assert.equal(x[0], 3);
});
