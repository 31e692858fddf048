import fc from "fast-check";
import assert from "node:assert/strict";
import { TokenStream } from "./token_stream.ts";

Deno.test("each row continues where it ended, the streams have every token once, and y is the next token", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(Int32Array, Uint16Array, Uint8Array),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(3),
      fc.nat(3),
      (kind, batchSize, time, extra, from, left) => {
        const count = batchSize + extra;
        const tokens = new kind(Array.from({ length: from + count + left }, (_, i) => i));
        const stream = new TokenStream({ tokens, batchSize, time, from, to: from + count });
        const rows = Array.from({ length: batchSize }, () => [[], []] as [number[], number[]]);
        const starts: unknown[] = [];
        const widths: number[] = [];
        for (const { x, y, first } of stream) {
          assert.deepEqual([x.dtype, y.dtype, y.shape], ["i32", "i32", x.shape]);
          const width = x.shape[1]!;
          rows.forEach(([inputs, targets], row) => {
            inputs.push(...x.data.subarray(row * width, (row + 1) * width));
            targets.push(...y.data.subarray(row * width, (row + 1) * width));
          });
          starts.push(first);
          widths.push(width);
        }
        const used = batchSize * Math.floor((count - 1) / batchSize);
        const range = (start: number) => Array.from({ length: used }, (_, i) => start + i);
        assert.deepEqual(rows.flatMap(([inputs]) => inputs), range(from));
        assert.deepEqual(rows.flatMap(([, targets]) => targets), range(from + 1));
        assert.deepEqual(starts, starts.map((_, i) => i === 0));
        assert.ok(widths.slice(0, -1).every((width) => width === time) && widths.at(-1)! <= time);
        assert.equal(stream.length, widths.length);
      },
    ),
  );
});

Deno.test("TokenStream refuses bad options", () => {
  const options = { tokens: new Uint8Array(10), batchSize: 4, time: 2 };
  const refuse = (changes: Partial<typeof options> & { from?: number; to?: number }, message: string) =>
    assert.throws(() => new TokenStream({ ...options, ...changes }), {
      name: "RangeError",
      message: `Cannot stream tokens: ${message}`,
    });
  refuse({ batchSize: 0 }, "batchSize must be an integer of 1 or more, got 0");
  refuse({ time: 1.5 }, "time must be an integer of 1 or more, got 1.5");
  refuse({ from: -1 }, "from and to must be integers from 0 to 10, got -1 and 10");
  refuse({ to: 11 }, "from and to must be integers from 0 to 10, got 0 and 11");
  refuse({ from: 6 }, "a batchSize of 4 needs at least 5 tokens, got 4");
  refuse({ from: 6, to: 2 }, "a batchSize of 4 needs at least 5 tokens, got 0");
  refuse({ tokens: new Uint8Array(0) }, "a batchSize of 4 needs at least 5 tokens, got 0");
});
