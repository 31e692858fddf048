import { loadParameters, multiply, scope, sum, type Tensor, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { Dense } from "./dense.ts";
import { Embedding } from "./embedding.ts";
import type { Layer } from "./layer.ts";
import { binaryCrossEntropy, softmaxCrossEntropy } from "./losses/classification.ts";
import { gaussianNegativeLogLikelihood, huber, meanAbsoluteError, meanSquaredError } from "./losses/regression.ts";
import { LayerNorm } from "./normalization.ts";

import golden from "./testdata/pytorch_feedforward.json" with { type: "json" };

const layers: Record<string, () => Layer> = {
  Dense: () => new Dense({ inputSize: 4, outputSize: 2 }),
  LayerNorm: () => new LayerNorm({ size: 4 }),
  Embedding: () => new Embedding({ vocabularySize: 4, outputSize: 3 }),
  "Embedding, padding": () => new Embedding({ vocabularySize: 4, outputSize: 3, paddingIndex: 0 }),
};

const losses: Record<string, (prediction: Tensor, target: Tensor) => Tensor> = {
  meanSquaredError,
  meanAbsoluteError,
  huber: (x, y) => huber(x, y, { delta: 0.7 }),
  softmaxCrossEntropy: (x, y) => softmaxCrossEntropy(x, integers(y)),
  "softmaxCrossEntropy, ignore": (x, y) => softmaxCrossEntropy(x, integers(y), { ignoreIndex: 2 }),
  "softmaxCrossEntropy, smooth": (x, y) => softmaxCrossEntropy(x, integers(y), { labelSmoothing: 0.1 }),
  binaryCrossEntropy,
  gaussianNegativeLogLikelihood,
};

function integers(x: Tensor): Tensor<"i32"> {
  return x as unknown as Tensor<"i32">;
}

for (const { name, inputs, output, weights, gradients } of golden.cases) {
  Deno.test(`${name}: value and gradients equal PyTorch's`, () => {
    using _ = scope();
    const given = inputs.map(({ dtype, shape, data }) =>
      dtype === "i32"
        ? tensor(Int32Array.from(data), { shape }) as unknown as Tensor
        : tensor(Float32Array.from(data), { shape, requiresGrad: true })
    );
    const layer = layers[name]?.();
    let parameters: Tensor[] = given.slice(1);
    if (layer !== undefined) {
      parameters = Object.values(layer.parameters());
      const values = Object.keys(layer.parameters()).map((name, i) => {
        const { shape, data } = inputs[1 + i]!;
        return [name, { dtype: "F32" as const, shape, data: Float32Array.from(data) }] as const;
      });
      loadParameters(layer.parameters(), new Map(values));
    }
    const made = layer?.forward(given[0]!) ?? losses[name]!(given[0]!, given[1]!);
    assertClose(made.data, output.data, { tolerance: 1e-6, name: "output" });
    sum(multiply(made, tensor(Float32Array.from(weights.data), { shape: weights.shape }))).backward();
    [given[0]!, ...parameters].forEach((input, i) => {
      const expected = gradients[i];
      if (expected) assertClose(input.grad!.data, expected.data, { tolerance: 1e-6, name: `gradient of input ${i}` });
    });
  });
}
