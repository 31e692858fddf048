import type { Communicator } from "@unfold/distributed";

/** Ranks on one thread, for tests. */
export function inProcess(size: number): Communicator[] {
  let arrived: ArrayBufferView<ArrayBuffer>[] = [];
  let gate = Promise.withResolvers<ArrayBufferView<ArrayBuffer>[]>();
  /** The arrays of all ranks, once all have arrived. */
  async function meet(rank: number, x: ArrayBufferView<ArrayBuffer>): Promise<ArrayBufferView<ArrayBuffer>[]> {
    // Copy only the view: a structured clone would copy its whole memory.
    arrived[rank] = (x as Uint8Array<ArrayBuffer>).slice();
    const { promise, resolve } = gate;
    if (Object.keys(arrived).length === size) {
      resolve(arrived);
      arrived = [];
      gate = Promise.withResolvers();
    }
    return await promise;
  }
  return Array.from({ length: size }, (_, rank): Communicator => ({
    rank,
    size,
    async allReduce(x, reduction) {
      const all = await meet(rank, x) as (typeof x)[];
      x.forEach((_, i) => {
        const values = all.map((other) => other[i]!);
        const sum = values.reduce((a, b) => a + b);
        x[i] = reduction === "max" ? Math.max(...values) : reduction === "mean" ? sum / size : sum;
      });
    },
    async broadcast(x, root = 0) {
      const all = await meet(rank, x) as Uint8Array<ArrayBuffer>[];
      const from = all[root]!;
      new Uint8Array(x.buffer, x.byteOffset, x.byteLength).set(
        new Uint8Array(from.buffer, from.byteOffset, from.byteLength),
      );
    },
    barrier: async () => void await meet(rank, new Uint8Array()),
    close: async () => void await meet(rank, new Uint8Array()),
  }));
}
