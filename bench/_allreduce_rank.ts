/** A rank of allreduce.ts: does as allreduce.c does. */

import { connect } from "@unfold/distributed";
import { median } from "./_measure.ts";

const [rounds, ...sizes] = Deno.args.map(Number) as [number, ...number[]];
const communicator = await connect({ timeout: 60 });
for (let i = 0; i + 1 < sizes.length; i += 2) {
  const [x, calls] = [new Float32Array(sizes[i]!), sizes[i + 1]!];
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    await communicator.barrier();
    const start = performance.now();
    for (let call = 0; call < calls; call++) await communicator.allReduce(x, "sum");
    if (round >= 0) times.push((performance.now() - start) / 1000 / calls);
  }
  if (communicator.rank === 0) console.log(median(times).toFixed(9));
}
await communicator.close();
