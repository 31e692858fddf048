import {
  arrayField,
  bytesField,
  checkCounts,
  doubleField,
  type Encoded,
  floatField,
  integerField,
  integersField,
  message,
  toBytes,
} from "@unfold/core/support";
import assert from "node:assert/strict";

Deno.test("checkCounts accepts integers from the least on, and names the first that is not", () => {
  checkCounts("train", { epochs: 1, batchSize: 2 ** 60 });
  checkCounts("train", { gap: 0 }, { least: 0 });
  for (const value of [0, -1, 1.5, NaN, Infinity, "1" as unknown as number]) {
    assert.throws(() => checkCounts("train", { epochs: 1, batchSize: value, patience: 0 }), {
      name: "RangeError",
      message: `Cannot train: batchSize must be an integer of 1 or more, got ${Deno.inspect(value)}`,
    });
  }
  assert.throws(
    () => checkCounts("search", { steps: 1 }, { least: 2 }),
    /steps must be an integer of 2 or more, got 1/,
  );
});

Deno.test("fields of protocol buffers have the bytes of the format's specification", () => {
  const bytes = (field: Encoded | undefined) => [...toBytes(message(field))];
  assert.deepEqual(bytes(integerField(1, 150)), [0x08, 0x96, 0x01]);
  assert.deepEqual(bytes(integerField(1, -2)), [0x08, 0xfe, ...Array(8).fill(0xff), 0x01]);
  assert.deepEqual(bytes(integersField(6, [3, 270, 86942])), [0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
  assert.deepEqual(bytes(floatField(2, 1)), [0x15, 0, 0, 0x80, 0x3f]);
  assert.deepEqual(bytes(doubleField(1, 1)), [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
  assert.deepEqual(bytes(bytesField(2, "testing")), [0x12, 0x07, ...new TextEncoder().encode("testing")]);
  assert.deepEqual(bytes(bytesField(3, integerField(1, 150))), [0x1a, 0x03, 0x08, 0x96, 0x01]);
  assert.deepEqual(bytes(arrayField(20, Int32Array.of(0, 1).subarray(1))), [0xa2, 0x01, 4, 1, 0, 0, 0]);
  assert.deepEqual(bytes(undefined), []);
});
