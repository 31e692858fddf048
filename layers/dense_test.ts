import fc from "fast-check";
import assert from "node:assert/strict";
import { type Tensor, tensor } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import { Dense } from "./dense.ts";

/** x·V + b in 64-bit floats. */
function denseOracle(x: Oracle, weight: Oracle, bias?: Oracle): Oracle {
  const [k, n] = weight.shape as [number, number];
  const m = x.data.length / k;
  const data = Float64Array.from({ length: m * n }, (_, i) => {
    let total = bias?.data[i % n] ?? 0;
    for (let p = 0; p < k; p++) total += x.data[Math.floor(i / n) * k + p]! * weight.data[p * n + i % n]!;
    return total;
  });
  return { shape: [...x.shape.slice(0, -1), n], data };
}

Deno.test("Dense: value and gradients match a Float64 oracle, with and without bias, for any leading axes", () => {
  const size = fc.integer({ min: 1, max: 18 });
  const leading = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(leading, size, size, fc.boolean(), fc.nat(1e6), (leading, inputSize, outputSize, bias, seed) => {
      const layer = new Dense({ inputSize, outputSize, bias });
      const run = (x: Tensor, ...parameters: Tensor[]) => {
        // A Dense with the tensors under test as its parameters.
        const stub = Object.assign(Object.create(Dense.prototype), {
          weight: parameters[0],
          bias: parameters[1],
        }) as Dense;
        return stub.forward(x);
      };
      checkOp({
        op: (x, weight, b) => run(x!, ...(b === undefined ? [weight!] : [weight!, b])),
        oracle: (x, weight, b) => denseOracle(x!, weight!, b),
        shapes: [[...leading, inputSize], ...Object.values(layer.parameters()).map(({ shape }) => shape)],
        seed,
      });
    }),
    { numRuns: 40 },
  );
});

Deno.test("Dense: wrong sizes and inputs are rejected", () => {
  const dense = new Dense({ inputSize: 2, outputSize: 1 });
  assert.throws(() => dense.forward(tensor([[1, 2, 3]])), {
    name: "TypeError",
    message: "Cannot run Dense: x must have shape [..., inputSize = 2], got [1, 3]",
  });
  assert.throws(() => dense.forward(tensor(1)), /got \[\]/);
  const tokens = tensor([[[1]]], { dtype: "i32" }) as unknown as Tensor;
  assert.throws(() => dense.forward(tokens), /x must hold floats \(f32\), got i32/);
  assert.throws(
    () => new Dense({ inputSize: 1.5, outputSize: 1 }),
    /inputSize must be an integer of 1 or more, got 1.5/,
  );
});
