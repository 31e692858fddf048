import fc from "fast-check";
import assert from "node:assert/strict";
import { scope, type Tensor, tensor } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import { Dense, TiedDense } from "./dense.ts";
import { Embedding } from "./embedding.ts";
import { Sequential } from "./sequential.ts";
import { summary } from "./summary.ts";

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

Deno.test("TiedDense: value and gradients match a Float64 oracle, with and without bias, for any leading axes", () => {
  const size = fc.integer({ min: 1, max: 9 });
  const leading = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(leading, size, size, fc.boolean(), fc.nat(1e6), (leading, features, tokens, bias, seed) => {
      checkOp({
        op(x, weight, b) {
          // A TiedDense with the tensors under test as its parameters.
          const stub = Object.assign(Object.create(TiedDense.prototype), {
            embedding: { weight },
            bias: b,
          }) as TiedDense;
          return stub.forward(x!);
        },
        oracle(x, weight, b) {
          const data = Float64Array.from({ length: features * tokens }, (_, i) => {
            return weight!.data[i % tokens * features + Math.floor(i / tokens)]!;
          });
          return denseOracle(x!, { shape: [features, tokens], data }, b);
        },
        shapes: [[...leading, features], [tokens, features], ...(bias ? [[tokens]] : [])],
        seed,
      });
    }),
    { numRuns: 40 },
  );
  const tied = new TiedDense({ embedding: new Embedding({ vocabularySize: 5, outputSize: 3 }) });
  assert.throws(() => tied.forward(tensor([[1, 2]])), {
    name: "TypeError",
    message: "Cannot run TiedDense: x must have shape [..., inputSize = 3], got [1, 2]",
  });
});

Deno.test("TiedDense: the embedding gets the gradients of both places, and counts once", () => {
  using _ = scope();
  const embedding = new Embedding({ vocabularySize: 3, outputSize: 2 });
  embedding.weight.data.set([1, 2, 3, 4, 5, 6]);
  const model = new Sequential([embedding, new TiedDense({ embedding })]);
  assert.deepEqual(Object.keys(model.parameters()), ["0.weight", "1.bias"]);
  assert.deepEqual(summary(model, [1, 4], { dtype: "i32" }).lines.map(({ parameters }) => parameters), [6, 3]);
  const y = model.forward(tensor([0], { dtype: "i32" }));
  assert.deepEqual(y.toArray(), [[5, 11, 17]]);
  y.backward(tensor([[0, 1, 0]]));
  // Row 0 as the features of token 0, row 1 as the weights of logit 1.
  assert.deepEqual(embedding.weight.grad.toArray(), [[3, 4], [1, 2], [0, 0]]);
});
