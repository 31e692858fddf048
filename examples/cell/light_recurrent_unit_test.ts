import {
  add,
  matmul,
  mean,
  multiply,
  Random,
  scope,
  sigmoid,
  slice,
  subtract,
  tanh,
  type Tensor,
  tensor,
} from "@unfold/core";
import { Dense, LastStep, loadModel, meanSquaredError, saveModel, Sequential } from "@unfold/layers";
import type { RecurrentOptions } from "@unfold/layers";
import { checkCell } from "@unfold/layers/testing";
import { adam, Optimizer } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { LightRecurrentUnit } from "./light_recurrent_unit.ts";

/** The columns of one of two gates. */
function gate(x: Tensor, index: number): Tensor {
  const axis = x.shape.length - 1;
  const size = x.shape[axis]! / 2;
  return slice(x, { axis, start: index * size, end: (index + 1) * size });
}

Deno.test("the light recurrent unit conforms", () =>
  checkCell<"hidden">({
    layer: (options) => new LightRecurrentUnit(options),
    composed: (x, { hidden }, { inputWeight, recurrentWeight, bias }) => {
      const products = add(matmul(x, inputWeight), bias);
      const f = sigmoid(add(gate(products, 0), matmul(hidden, recurrentWeight)));
      const n = tanh(gate(products, 1));
      return { hidden: add(hidden, multiply(f, subtract(n, hidden))) };
    },
  }));

Deno.test("it learns the mean of 20 values, and is saved with its model", () => {
  const random = new Random(1);
  const model = new Sequential([
    new LightRecurrentUnit({ inputSize: 1, hiddenSize: 16, random }),
    new LastStep(),
    new Dense({ inputSize: 16, outputSize: 1, random }),
  ]);
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 0.01 });
  const losses: number[] = [];
  for (let step = 0; step < 300; step++) {
    using _ = scope();
    const x = tensor(Float32Array.from({ length: 32 * 20 }, () => random.uniform(-1, 1)), { shape: [32, 20, 1] });
    const error = meanSquaredError(model.forward(x), mean(x, { axis: 1 }));
    error.backward();
    optimizer.step();
    losses.push(error.item());
  }
  // The values have a variance of 1/3, their mean one of 1/60: that is the loss of a model that learns nothing.
  const loss = losses.slice(-20).reduce((a, b) => a + b) / 20;
  assert.ok(loss < 0.1 / 60, `the loss must be below a tenth of 1/60, got ${loss}`);

  const made = ({ type: _, ...options }: { type: string }) =>
    new LightRecurrentUnit(options as unknown as RecurrentOptions);
  const loaded = loadModel(saveModel(model), { layers: { LightRecurrentUnit: made } });
  const x = tensor([[[1], [2], [3]]]);
  assert.deepEqual(loaded.forward(x).toArray(), model.forward(x).toArray());
});
