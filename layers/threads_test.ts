import { add, multiply, noGrad, Random, slice, sum, type Tensor, tensor, useBlas } from "@unfold/core";
import { checkThreads, type NamedResults } from "@unfold/core/testing";
import {
  Dense,
  Embedding,
  GRU,
  LastStep,
  type Layer,
  LayerNorm,
  LSTM,
  type RecurrentOptions,
  type RecurrentState,
  Sequential,
  SimpleRNN,
  softmaxCrossEntropy,
} from "@unfold/layers";
import { adam, clipByGlobalNorm, Optimizer } from "@unfold/optimizers";
import type { Recurrent } from "./recurrent/recurrent.ts";

type AnyRecurrent = Recurrent<RecurrentState>;

const cells: Record<string, (options: RecurrentOptions) => AnyRecurrent> = {
  SimpleRNN: (options) => new SimpleRNN(options) as unknown as AnyRecurrent,
  "SimpleRNN with relu": (options) => new SimpleRNN({ ...options, activation: "relu" }) as unknown as AnyRecurrent,
  LSTM: (options) => new LSTM(options) as unknown as AnyRecurrent,
  "GRU, reset after": (options) => new GRU(options) as unknown as AnyRecurrent,
  "GRU, reset before": (options) => new GRU({ ...options, resetAfter: false }) as unknown as AnyRecurrent,
};

const variants: Record<string, Partial<RecurrentOptions>> = {
  "no options": {},
  "no bias": { bias: false },
  bidirectional: { bidirectional: true },
  "two layers with dropout": { layers: 2, dropout: 0.3 },
  "recurrent dropout": { recurrentDropout: 0.4 },
  "layer normalization": { layerNorm: true },
  "all options": { layers: 2, bidirectional: true, dropout: 0.2, recurrentDropout: 0.2, layerNorm: true },
};

function draw(random: Random, shape: number[]): Tensor {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return tensor(values, { shape, requiresGrad: true });
}

/** Outputs, states and all gradients of a layer on a random batch, with padding and first states if `seed` says so. */
function resultsOf(
  make: (options: RecurrentOptions) => AnyRecurrent,
  options: Partial<RecurrentOptions>,
  seed: number,
  { least = 0 }: { readonly least?: number } = {},
) {
  const random = new Random(seed);
  const [batch, time] = [least + 1 + random.integer(13), 1 + random.integer(9)];
  const [inputSize, hiddenSize] = [least + 1 + random.integer(9), least + 2 + random.integer(18)];
  const layer = make({ inputSize, hiddenSize, ...options, random });
  const x = draw(random, [batch, time, inputSize]);
  const first = Object.entries(layer.initialState(batch)).map(([name, { shape }]) =>
    [name, draw(random, [...shape])] as const
  );
  const lengths = Array.from({ length: batch }, () => random.integer(time + 1));
  const { output, state } = layer.run(x, {
    ...(seed % 2 === 0 && { lengths }),
    ...(seed % 3 === 0 && { state: Object.fromEntries(first) }),
  });
  const parts = [output, ...Object.values(state)];
  const losses = parts.map((part) => sum(multiply(part, draw(random, [...part.shape]))));
  losses.reduce((a, b) => add(a, b)).backward();
  return {
    output: output.data,
    ...Object.fromEntries(Object.entries(state).map(([name, { data }]) => [`state ${name}`, data])),
    "gradient of x": x.grad!.data,
    ...Object.fromEntries(first.map(([name, { grad }]) => [`gradient of ${name}`, grad?.data ?? []])),
    ...Object.fromEntries(
      Object.entries(layer.parameters()).map(([name, { grad }]) => [`gradient of ${name}`, grad.data]),
    ),
  } as NamedResults;
}

for (const [name, make] of Object.entries(cells)) {
  Deno.test(`${name}: the same on any number of threads, with all options`, () =>
    checkThreads(() => {
      const all: Record<string, ArrayLike<number>> = {};
      for (const [variant, options] of Object.entries(variants)) {
        for (let seed = 0; seed < 6; seed++) {
          const results = resultsOf(make, options, seed);
          for (const [what, data] of Object.entries(results)) {
            all[`${variant}, ${seed}: ${what}`] = Float32Array.from(data);
          }
        }
      }
      return all;
    }));
}

/** Whether this machine has OpenBLAS; without it, the test that needs it is skipped. */
function hasBlas(): boolean {
  try {
    useBlas()[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

Deno.test("with a BLAS, threads compute the same up to rounding", { ignore: !hasBlas() }, async () => {
  using _ = useBlas();
  for (const [name, make] of Object.entries(cells)) {
    for (const [variant, options] of Object.entries(variants)) {
      await checkThreads(() => resultsOf(make, options, 6, { least: 32 }), { tolerance: 2e-5 }).catch((cause) => {
        throw new Error(`${name}, ${variant}: ${cause.message}`, { cause });
      });
    }
  }
});

/** The parameters after some steps of training, and the predictions then. */
function train(make: (random: Random) => Layer): NamedResults {
  const random = new Random(3);
  const model = make(random);
  const parameters = model.parameters();
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(1), adam()], { learningRate: 0.01 });
  const tokens = () => Int32Array.from({ length: 7 * 11 }, () => random.integer(19));
  const losses: number[] = [];
  for (let step = 0; step < 4; step++) {
    const loss = softmaxCrossEntropy(
      model.forward(tensor(tokens(), { shape: [7, 11] }) as unknown as Tensor),
      tensor(tokens(), { shape: [7, 11] }),
    );
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  const prediction = noGrad(() => model.forward(tensor(tokens(), { shape: [7, 11] }) as unknown as Tensor));
  return {
    losses,
    prediction: prediction.data,
    ...Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data])),
  };
}

Deno.test("training a model gives the same weights and predictions on any number of threads", () =>
  checkThreads(() =>
    train((random) =>
      new Sequential([
        new Embedding({ vocabularySize: 19, outputSize: 6, random }),
        new LSTM({ inputSize: 6, hiddenSize: 17, layers: 2, random }),
        new LayerNorm({ size: 17 }),
        new GRU({ inputSize: 17, hiddenSize: 9, bidirectional: true, random }),
        new Dense({ inputSize: 18, outputSize: 19, random }),
      ])
    )
  ));

Deno.test("a layer after which only the last step counts is the same on any number of threads", () =>
  checkThreads(() => {
    const random = new Random(5);
    const model = new Sequential([
      new SimpleRNN({ inputSize: 3, hiddenSize: 33, random }),
      new LastStep(),
      new Dense({ inputSize: 33, outputSize: 2, random }),
    ]);
    const x = draw(random, [9, 5, 3]);
    const y = model.forward(x);
    sum(slice(y, { axis: 1, end: 1 })).backward();
    return { y: y.data, "gradient of x": x.grad!.data };
  }));
