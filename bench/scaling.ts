/**
 * Times training steps of an LSTM while one of hidden size, time steps, batch and layers varies. Prints the exponent of
 * the cost, fitted to the larger half of the sizes, and the fraction of the engine's peak. Draws bench/scaling.svg.
 *
 *     deno task bench scaling
 *
 * @module
 */

import { Random, scope, tensor, zeros } from "@unfold/core";
import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import { drawChart, LIGHT } from "../apps/shared/charts.ts";
import { writeFiles } from "../apps/shared/files.ts";
import { formatNumber, table } from "../apps/shared/format.ts";
import { median, peak, roundOf } from "./_measure.ts";

/** Sizes of the dimensions that are not varied. */
const BASE = { hiddenSize: 64, time: 32, batch: 32, layers: 1 };
type Sizes = typeof BASE;
const INPUT = 16;
const ROUNDS = 5;

const powersOfTwo = (from: number, to: number) =>
  Array.from({ length: Math.log2(to / from) + 1 }, (_, i) => from * 2 ** i);
const VARIED: { readonly [Name in keyof Sizes]: readonly number[] } = {
  hiddenSize: powersOfTwo(16, 1024),
  time: powersOfTwo(8, 2048),
  batch: powersOfTwo(1, 512),
  layers: powersOfTwo(1, 8),
};

/** The number of operations in the matrix products. The first layer needs no gradient with respect to its input. */
function operations({ hiddenSize, time, batch, layers }: Sizes): number {
  const weights = 4 * hiddenSize * (2 * INPUT + 3 * hiddenSize + (layers - 1) * 6 * hiddenSize);
  return 2 * batch * time * weights;
}

/** Times a training step, and measures the peak between the rounds. */
function measure({ time, batch, ...sizes }: Sizes): { seconds: number; peak: number } {
  const random = new Random(1);
  const model = new Sequential([
    new LSTM({ inputSize: INPUT, ...sizes, random }),
    new LastStep(),
    new Dense({ inputSize: sizes.hiddenSize, outputSize: 1, random }),
  ]);
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
  const x = tensor(Float32Array.from({ length: batch * time * INPUT }, () => random.normal()), {
    shape: [batch, time, INPUT],
  });
  const y = zeros([batch, 1]);
  const round = roundOf(() => {
    using _ = scope();
    meanSquaredError(model.forward(x), y).backward();
    optimizer.step();
  });
  const runs = Array.from({ length: ROUNDS }, () => ({ seconds: round(), peak: peak() }));
  return { seconds: median(runs.map(({ seconds }) => seconds)), peak: median(runs.map(({ peak }) => peak)) };
}

/** Fits the exponent b of y = a·xᵇ by least squares on the logarithms. */
function exponentOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
  const [x0, y0] = [mean(logs.map(({ x }) => x)), mean(logs.map(({ y }) => y))];
  const product = (of: (point: { x: number; y: number }) => number) => mean(logs.map(of));
  return product(({ x, y }) => (x - x0) * (y - y0)) / product(({ x }) => (x - x0) ** 2);
}

const TITLES = { hiddenSize: "hidden size", time: "time steps", batch: "batch", layers: "layers" };
const measured = Object.entries(VARIED).map(([name, values]) => {
  const points = values.map((value) => {
    const sizes = { ...BASE, [name]: value };
    const { seconds, peak } = measure(sizes);
    console.error(`${TITLES[name as keyof Sizes]} ${value}: ${formatNumber(1000 * seconds)} ms`);
    return { x: value, y: 1000 * seconds, fraction: operations(sizes) / seconds / 1e9 / peak };
  });
  const exponent = exponentOf(points.slice(values.length >> 1));
  return { title: TITLES[name as keyof Sizes], points, exponent };
});

for (const { title, points, exponent } of measured) {
  const rows = points.map(({ x, y, fraction }) => [`${x}`, formatNumber(y), `${(100 * fraction).toFixed(0)} %`]);
  console.log(`${table([title, "ms per step", "of peak"], rows)}\nexponent: ${exponent.toFixed(2)}\n`);
}
const spec = {
  title: {
    text: "Milliseconds of a training step of an LSTM",
    subtitle:
      `${BASE.time} time steps, batch ${BASE.batch}, hidden size ${BASE.hiddenSize}, ${BASE.layers} layer, where not varied`,
    subtitleColor: LIGHT.ink,
  },
  columns: 2,
  spacing: 28,
  concat: measured.map(({ title, points, exponent }) => ({
    width: 380,
    height: 200,
    data: { values: points },
    mark: { type: "line", point: { color: LIGHT.forecast }, strokeWidth: 1.5, color: LIGHT.forecast },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        scale: { type: "log", base: 2 },
        axis: {
          title: `${title}: exponent ${exponent.toFixed(2)}`,
          values: points.map(({ x }) => x),
          format: "d",
          labelFlush: false,
          labelOverlap: false,
        },
      },
      y: {
        field: "y",
        type: "quantitative",
        scale: { type: "log", domain: [0.1, 1000] },
        axis: { title: null, values: [0.1, 1, 10, 100, 1000] },
      },
    },
  })),
};
await writeFiles(new URL(".", import.meta.url).pathname, { "scaling.svg": await drawChart(spec, LIGHT) });
