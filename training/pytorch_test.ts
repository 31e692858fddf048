import { loadParameters, scope, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import {
  Dense,
  GRU,
  LastStep,
  LSTM,
  meanSquaredError,
  type Recurrent,
  type RecurrentOptions,
  type RecurrentState,
  Sequential,
  SimpleRNN,
} from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import golden from "./testdata/pytorch.json" with { type: "json" };

/** A tensor in the golden files. */
interface Entry {
  shape: number[];
  data: number[];
}

const makers: Record<string, (options: RecurrentOptions) => Recurrent<RecurrentState>> = {
  SimpleRNN: (options) => new SimpleRNN(options),
  LSTM: (options) => new LSTM(options),
  GRU: (options) => new GRU(options),
};

const { x, y, learningRate } = golden;
const [count, batch, time, inputSize] = x.shape as [number, number, number, number];
const batches = Array.from({ length: count }, (_, index) => {
  const perBatch = batch * time * inputSize;
  return {
    x: Float32Array.from(x.data.slice(index * perBatch, (index + 1) * perBatch)),
    y: Float32Array.from(y.data.slice(index * batch, (index + 1) * batch)),
  };
});

for (const [cell, { initial, losses }] of Object.entries(golden.cells)) {
  Deno.test(`100 training steps of ${cell} and Dense with mean squared error and Adam match PyTorch's losses`, () => {
    const hiddenSize = initial["0.recurrentWeight"].shape[0]!;
    const model = new Sequential([
      makers[cell]!({ inputSize, hiddenSize }),
      new LastStep(),
      new Dense({ inputSize: hiddenSize, outputSize: 1 }),
    ]);
    const values = Object.entries(initial as Record<string, Entry>).map(([name, { shape, data }]) =>
      [name, { dtype: "F32" as const, shape, data: Float32Array.from(data) }] as const
    );
    loadParameters(model.parameters(), new Map(values));
    const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate });
    losses.forEach((expected, step) => {
      using _ = scope();
      const { x, y } = batches[step % count]!;
      const prediction = model.forward(tensor(x, { shape: [batch, time, inputSize] }));
      const loss = meanSquaredError(prediction, tensor(y, { shape: [batch, 1] }));
      loss.backward();
      optimizer.step();
      assertClose([loss.item()], [expected], { tolerance: 1e-3, floor: 0, name: `loss of step ${step + 1}` });
    });
  });
}
