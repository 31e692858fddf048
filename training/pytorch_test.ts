import { loadParameters, scope, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import golden from "./testdata/pytorch.json" with { type: "json" };

Deno.test("100 training steps of LSTM, Dense, mean squared error and Adam follow PyTorch's losses", () => {
  const { initial, x, y, learningRate, losses } = golden;
  const [count, batch, time, inputSize] = x.shape as [number, number, number, number];
  const hiddenSize = initial["0.recurrentWeight"].shape[0]!;
  const model = new Sequential([
    new LSTM({ inputSize, hiddenSize }),
    new LastStep(),
    new Dense({ inputSize: hiddenSize, outputSize: 1 }),
  ]);
  const values = Object.entries(initial).map(([name, { shape, data }]) =>
    [name, { dtype: "F32" as const, shape, data: Float32Array.from(data) }] as const
  );
  loadParameters(model.parameters(), new Map(values));
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate });
  const perBatch = batch * time * inputSize;
  losses.forEach((expected, step) => {
    using _ = scope();
    const index = step % count;
    const data = x.data.slice(index * perBatch, (index + 1) * perBatch);
    const target = y.data.slice(index * batch, (index + 1) * batch);
    const loss = meanSquaredError(
      model.forward(tensor(Float32Array.from(data), { shape: [batch, time, inputSize] })),
      tensor(Float32Array.from(target), { shape: [batch, 1] }),
    );
    loss.backward();
    optimizer.step();
    assertClose([loss.item()], [expected], { tolerance: 1e-3, floor: 0, name: `loss of step ${step + 1}` });
  });
});
