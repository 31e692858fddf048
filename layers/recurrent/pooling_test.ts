import assert from "node:assert/strict";
import { tensor, zeros } from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import { LastStep } from "./pooling.ts";

Deno.test("LastStep: only the last step gets a gradient", () => {
  checkOp({
    op: (x) => new LastStep().forward(x!),
    oracle: ({ data } = { shape: [], data: new Float64Array() }) => ({
      shape: [2, 3],
      data: data.filter((_, i) => Math.floor(i / 3) % 4 === 3),
    }),
    shapes: [[2, 4, 3]],
  });
});

Deno.test("LastStep: with lengths it takes the last step of each sequence, and padding gets no gradient", () => {
  const lengths = [2, 4, 1];
  checkOp({
    op: (x) => new LastStep().forward(x!, { lengths }),
    oracle: (x) => ({
      shape: [3, 2],
      data: Float64Array.from(
        lengths.flatMap((n, row) => [...x!.data.subarray((row * 4 + n - 1) * 2, (row * 4 + n) * 2)]),
      ),
    }),
    shapes: [[3, 4, 2]],
  });
  assert.throws(
    () => new LastStep().forward(zeros([1, 2, 1]), { lengths: [0] }),
    /integers from 1 to the 2 time steps, got 0/,
  );
});

Deno.test("LastStep: an input without a time axis is rejected", () => {
  assert.throws(() => new LastStep().forward(tensor([[1]])), {
    message: "Cannot take the last step: x must have shape [batch, time, features], got [1, 1]",
  });
});
