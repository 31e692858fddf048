/**
 * Exchanges arrays of all types and sizes with the other ranks, and prints the results.
 *
 *     deno run distributed/testdata/exchange.ts
 */

import { connect } from "@unfold/distributed";

const communicator = await connect({ timeout: 20 });
const { rank, size } = communicator;

const sums = Float32Array.from({ length: 300_000 }, (_, i) => i % 100 + rank);
await communicator.allReduce(sums, "sum");
const most = Float64Array.of(rank, -rank);
await communicator.allReduce(most, "max");
const mean = Float32Array.of(rank);
await communicator.allReduce(mean, "mean");
const large = new Float32Array(2_000_000).fill(rank + 1);
await communicator.allReduce(large, "sum");
const copied = new Uint8Array(5).fill(rank);
await communicator.broadcast(copied.subarray(1, 4), size - 1);
await communicator.barrier();
// Many small ones in a row: no rank may run ahead.
for (let round = 0; round < 100; round++) {
  const [sum, word] = [Float64Array.of(rank * round, round), Int32Array.of(rank + round)];
  await communicator.allReduce(sum, "sum");
  await communicator.broadcast(word, round % size);
  const wrong = sum[0] !== round * size * (size - 1) / 2 || sum[1] !== size * round || word[0] !== round % size + round;
  if (wrong) throw new Error(`wrong in round ${round}: ${[...sum, ...word]}`);
}
const seen = [sums[0], sums.at(-1), ...most, mean[0], large.at(-1), ...copied];
console.log(JSON.stringify({ rank, size, seen }));
await communicator.close();
