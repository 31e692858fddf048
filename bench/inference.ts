/**
 * Times the forward pass of a character model (embedding 65 → 64, LSTM 2×128, dense 65) against ONNX Runtime, which
 * runs the file from `toOnnx`: one text, character by character with a carried state, and a batch of 64 texts of 64
 * characters. Rounds alternate in one process.
 *
 *     deno task bench inference
 *
 * @module
 */

import { noGrad, Random, reshape, scope, tensor } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { Dense, Embedding, LSTM, type LSTMState, Sequential } from "@unfold/layers";
import { toOnnx } from "@unfold/layers/interchange";
import { table } from "../apps/shared/format.ts";
import { ort } from "../tools/onnx.ts";
import { median, openBlas, threeDigits } from "./_measure.ts";

const [VOCABULARY, INPUT, HIDDEN, BATCH, TIME, ROUNDS] = [65, 64, 128, 64, 64, 15] as const;

const random = new Random(1);
const [embedding, lstm, dense] = [
  new Embedding({ vocabularySize: VOCABULARY, outputSize: INPUT, random }),
  new LSTM({ inputSize: INPUT, hiddenSize: HIDDEN, layers: 2, random }),
  new Dense({ inputSize: HIDDEN, outputSize: VOCABULARY, random }),
] as const;
const model = new Sequential([embedding, lstm, dense]);
const text = Int32Array.from({ length: BATCH * TIME }, () => random.integer(VOCABULARY));

/** One way to compute the logits of one text, character by character, and of a batch of texts. */
interface Engine {
  readonly name: string;
  /** Called before each run; its result is disposed of after the run. */
  begin?(): Disposable;
  stream(tokens: Int32Array): Promise<Float32Array>;
  batch(): Promise<Float32Array>;
}

function unfold(name: string, begin?: () => Disposable): Engine {
  return {
    name,
    ...(begin && { begin }),
    stream(tokens) {
      using _ = scope();
      return Promise.resolve(noGrad(() => {
        const logits: number[] = [];
        let state: LSTMState = lstm.initialState(1);
        for (const token of tokens) {
          const x = reshape(embedding.forward(tensor([token], { dtype: "i32", shape: [1, 1] })), [1, INPUT]);
          const step = lstm.step(x, state);
          state = step.state;
          logits.push(...dense.forward(step.output).data);
        }
        return Float32Array.from(logits);
      }));
    },
    batch() {
      using _ = scope();
      const x = tensor(text, { shape: [BATCH, TIME] });
      return Promise.resolve(noGrad(() => model.forward(x)).data.slice());
    },
  };
}

async function onnxRuntime(name: string, intraOpNumThreads: number): Promise<Engine> {
  const options = { intraOpNumThreads, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const whole = await ort.InferenceSession.create(toOnnx(model), options);
  const streaming = await ort.InferenceSession.create(toOnnx(model, { state: true }), options);
  const states = streaming.inputNames.filter((input) => input.startsWith("state."));
  return {
    name,
    async stream(tokens) {
      const logits: number[] = [];
      let state = Object.fromEntries(
        states.map((input) => [input, new ort.Tensor(new Float32Array(2 * HIDDEN), [1, 2 * HIDDEN])]),
      );
      for (const token of tokens) {
        const { output, ...next } = await streaming.run({
          input: new ort.Tensor(Int32Array.of(token), [1, 1]),
          ...state,
        });
        state = Object.fromEntries(
          states.map((input) => [input, next[input.replace("state.", "next.")]!]),
        ) as typeof state;
        logits.push(...output!.data as Float32Array);
      }
      return Float32Array.from(logits);
    },
    async batch() {
      const { output } = await whole.run({ input: new ort.Tensor(text, [BATCH, TIME]) });
      return output!.data as Float32Array;
    },
  };
}

const engines = [
  unfold("Unfold, WebAssembly"),
  ...[1, 2].flatMap((threads) => {
    const blas = openBlas(threads);
    return blas === undefined ? [] : [unfold(`Unfold, OpenBLAS, ${threads} thread${threads > 1 ? "s" : ""}`, blas)];
  }),
  await onnxRuntime("ONNX Runtime, 1 thread", 1),
  await onnxRuntime("ONNX Runtime, 2 threads", 2),
];
const tasks = [
  {
    title: "µs per character, one text",
    scale: 1e3 / 512,
    run: (engine: Engine) => engine.stream(text.subarray(0, 512)),
  },
  { title: `ms for ${BATCH} × ${TIME} characters`, scale: 1, run: (engine: Engine) => engine.batch() },
];

const columns: { readonly engine: string; readonly times: number[] }[][] = [];
for (const { run, scale } of tasks) {
  const expected = await run(engines[0]!);
  for (const engine of engines) {
    using _ = engine.begin?.();
    assertClose(await run(engine), expected, { tolerance: 1e-5 });
  }
  const column = engines.map(({ name }) => ({ engine: name, times: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, engine] of engines.entries()) {
      using _ = engine.begin?.();
      const start = performance.now();
      await run(engine);
      column[i]!.times.push(scale * (performance.now() - start));
    }
  }
  columns.push(column);
}
const rows = engines.map(({ name }, i) => [
  name,
  ...columns.flatMap((column) => {
    const middle = median(column[i]!.times);
    return [threeDigits(middle), `${(median(column.at(-1)!.times) / middle).toPrecision(2)}×`];
  }),
]);
console.log(table(["", ...tasks.flatMap(({ title }) => [title, "ratio"])], rows));
