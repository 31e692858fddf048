import { Random, scope, tensor, zeros } from "@unfold/core";
import { Dense, Embedding, Sequential, softmaxCrossEntropy } from "@unfold/layers";
import assert from "node:assert/strict";
import { CELLS } from "./choices.ts";
import { makeRecurrent } from "./models.ts";
import { denseSizes, embeddingSizes, recurrentSizes, sum } from "./sizes.ts";

const weightsOf = (layer: Sequential) => Object.values(layer.parameters()).reduce((count, { size }) => count + size, 0);

for (const cell of CELLS) {
  for (const [layers, bidirectional] of [[1, false], [3, false], [2, true]] as const) {
    const name = `${layers} × ${cell}${bidirectional ? " in both directions" : ""}`;
    const make = (sizes: { vocabulary: number; features: number; hidden: number }) => {
      const random = new Random(1);
      const { vocabulary, features, hidden } = sizes;
      const recurrent = makeRecurrent({
        ...{ cell, inputSize: features, hiddenSize: hidden, layers, bidirectional, random },
      });
      return new Sequential([
        new Embedding({ vocabularySize: vocabulary, outputSize: features, random }),
        recurrent,
        new Dense({ inputSize: recurrent.outputSize, outputSize: vocabulary, random }),
      ]);
    };
    const sizesOf = (
      { vocabulary, features, hidden }: { vocabulary: number; features: number; hidden: number },
      { batch, time }: { batch: number; time: number },
    ) =>
      sum(
        embeddingSizes({ vocabulary, features }, { batch, time }),
        recurrentSizes({ cell, inputSize: features, hidden, layers, bidirectional }, { batch, time }),
        denseSizes({ inputs: bidirectional ? 2 * hidden : hidden, outputs: vocabulary, rows: batch * time }),
      );

    Deno.test(`${name}: the weights are counted exactly`, () => {
      for (const sizes of [{ vocabulary: 7, features: 3, hidden: 5 }, { vocabulary: 2, features: 9, hidden: 4 }]) {
        assert.equal(sizesOf(sizes, { batch: 1, time: 1 }).weights, weightsOf(make(sizes)));
      }
    });

    Deno.test(`${name}: a step takes about what is estimated`, () => {
      const [sizes, of] = [{ vocabulary: 40, features: 32, hidden: 64 }, { batch: 32, time: 48 }];
      const network = make(sizes);
      let taken = 0;
      // What the backward pass holds only for a while is in the estimate, but no longer taken at the end of a step.
      // After the first step, all scopes are in one piece of memory, which they fill in order.
      for (const _ of ["first", "second"]) {
        using _ = scope();
        const x = tensor(new Int32Array(of.batch * of.time), { shape: [of.batch, of.time] });
        softmaxCrossEntropy(network.forward(x), x).backward();
        taken = zeros([1]).offset - x.offset;
      }
      const estimate = 4 * sizesOf(sizes, of).step;
      assert.ok(estimate > 0.9 * taken && estimate < 2 * taken, `${estimate} bytes estimated, ${taken} taken`);
    });
  }
}
