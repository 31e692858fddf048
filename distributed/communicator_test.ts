import { connect, single } from "@unfold/distributed";
import assert from "node:assert/strict";

Deno.test("communicators and connect refuse bad arguments", async () => {
  const { allReduce, broadcast } = single();
  const rejects = (call: Promise<void>, name: string, message: string) => assert.rejects(call, { name, message });
  await rejects(
    allReduce(Int32Array.of(1) as never, "sum"),
    "TypeError",
    "Cannot all-reduce: x must be a Float32Array or a Float64Array, got Int32Array",
  );
  await rejects(
    allReduce(Float32Array.of(1), "product" as never),
    "TypeError",
    "Cannot all-reduce: the reduction must be one of sum, mean, max, got product",
  );
  await rejects(broadcast(3 as never), "TypeError", "Cannot broadcast: x must be a typed array, got number");
  await rejects(
    broadcast(Uint8Array.of(1), 1),
    "RangeError",
    "Cannot broadcast: root must be a rank from 0 to 0, got 1",
  );
  await assert.rejects(connect({ timeout: 0 }), {
    name: "RangeError",
    message: "Cannot connect: timeout must be above 0 and at most 2147483 seconds, got 0",
  });
});
