import assert from "node:assert/strict";
import { loadParameters, Random } from "@unfold/core";
import { Dense } from "./dense.ts";
import { Embedding } from "./embedding.ts";
import { LSTM } from "./recurrent/lstm.ts";
import { LastStep } from "./recurrent/pooling.ts";
import { Sequential } from "./sequential.ts";
import { summary } from "./summary.ts";

Deno.test("Sequential: the same seed gives the same weights", () => {
  const make = (seed: number) => {
    const random = new Random(seed);
    return new Sequential([
      new LSTM({ inputSize: 2, hiddenSize: 3, random }),
      new LastStep(),
      new Dense({ inputSize: 3, outputSize: 1, random }),
    ]);
  };
  const values = (model: Sequential) => Object.values(model.parameters()).map((parameter) => [...parameter.data]);
  assert.deepEqual(values(make(5)), values(make(5)));
  assert.notDeepEqual(values(make(5)), values(make(6)));
  assert.throws(() => loadParameters(make(5).parameters(), new Map()), /0\.inputWeight is missing/);
});

Deno.test("summary: a table with one line per layer, also for token input", () => {
  const model = new Sequential([
    new Embedding({ vocabularySize: 65, outputSize: 8 }),
    new LSTM({ inputSize: 8, hiddenSize: 16, layers: 2, bidirectional: true }),
    new Dense({ inputSize: 32, outputSize: 65 }),
  ]);
  assert.equal(
    String(summary(model, [2, 5], { dtype: "i32" })),
    [
      "layer        output      parameters",
      "0 Embedding  [2, 5, 8]          520",
      "1 LSTM       [2, 5, 32]       9,472",
      "2 Dense      [2, 5, 65]       2,145",
      "all                          12,137",
    ].join("\n"),
  );
});
