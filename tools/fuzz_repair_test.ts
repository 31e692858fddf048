import { decodeSafetensors, encodeSafetensors, tensor } from "@unfold/core";
import { Checkpoints } from "@unfold/training";
import assert from "node:assert/strict";
import { encodeChecked } from "../training/checkpoints.ts";
import { withChecksum, withHeaderLength } from "./fuzz_repair.ts";
import { withFolder } from "./testing.ts";

Deno.test("a header that was made longer or shorter is read again", () => {
  const file = encodeSafetensors([["a", tensor([1, 2])]], { metadata: { 'k"{': "}" } });
  const at = 8 + new TextDecoder("latin1").decode(file.subarray(8)).indexOf('"a"') + 2;
  const longer = Uint8Array.from([...file.subarray(0, at), 98, 98, 98, ...file.subarray(at)]);
  assert.throws(() => decodeSafetensors(longer), /Cannot read safetensors data/);
  assert.deepEqual(decodeSafetensors(withHeaderLength(longer)).tensors.get("abbb")!.data, Float32Array.of(1, 2));
  assert.deepEqual(withHeaderLength(file.subarray(0, 20) as Uint8Array<ArrayBuffer>), file.slice(0, 20));
});

Deno.test("a changed checkpoint gets past its checksum", () =>
  withFolder(async (folder) => {
    const bytes = await encodeChecked([], { format: "unfold checkpoint 1", config: "{}", progress: "{}" });
    const at = new TextDecoder("latin1").decode(bytes).indexOf("unfold checkpoint 1");
    bytes[at + 18] = "2".charCodeAt(0);
    const path = `${folder}/checkpoint-000000001.safetensors`;
    await Deno.writeFile(path, bytes);
    await assert.rejects(() => new Checkpoints({ folder }).restore({}), /it is corrupt/);
    await Deno.writeFile(path, await withChecksum(bytes));
    await assert.rejects(() => new Checkpoints({ folder }).restore({}), /format must be "unfold checkpoint 1", got/);
    assert.deepEqual(await withChecksum(Uint8Array.of(1)), Uint8Array.of(1));
  }));
