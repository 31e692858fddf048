/** Matrix products and activations, against TypeScript loops; reductions. */

import { exp, matmul, relu, sigmoid, softmax, softplus, sum, tanh } from "@unfold/core";
import { draw, drawTensor, ours, withBlas } from "./_measure.ts";

for (const [m, k, n] of [[32, 64, 256], [64, 128, 512], [512, 512, 512]] as const) {
  const group = `matmul ${m}×${k}×${n}`;
  const [a, b] = [drawTensor([m, k]), drawTensor([k, n])];
  ours("WebAssembly", group, () => void matmul(a, b), { baseline: true, grad: false });
  withBlas("OpenBLAS", group, () => void matmul(a, b));
  const [x, y, z] = [draw(m * k), draw(k * n), new Float32Array(m * n)];
  Deno.bench({
    name: "loops in TypeScript",
    group,
    fn: () => {
      z.fill(0);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < k; j++) {
          const factor = x[i * k + j]!;
          for (let l = 0; l < n; l++) z[i * n + l]! += factor * y[j * n + l]!;
        }
      }
    },
  });
}

const SIZE = 1 << 16;
const values = drawTensor([SIZE]);
const [input, output] = [draw(SIZE), new Float32Array(SIZE)];
const activations: Record<string, [typeof tanh, (x: number) => number]> = {
  tanh: [tanh, Math.tanh],
  sigmoid: [sigmoid, (x) => 1 / (1 + Math.exp(-x))],
  exp: [exp, Math.exp],
  relu: [relu, (x) => x > 0 ? x : 0],
  softplus: [softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
};
for (const [name, [op, plain]] of Object.entries(activations)) {
  const group = `${name} of ${SIZE}`;
  ours("WebAssembly", group, () => void op(values), { baseline: true, grad: false });
  Deno.bench({
    name: "Math in a loop",
    group,
    fn: () => {
      for (let i = 0; i < SIZE; i++) output[i] = plain(input[i]!);
    },
  });
}

const rows = drawTensor([512, 128]);
ours("softmax", "reductions of 512×128", () => void softmax(rows), { baseline: true, grad: false });
ours("sum over an axis", "reductions of 512×128", () => void sum(rows, { axis: 0 }), { grad: false });
ours("sum over all elements", "reductions of 512×128", () => void sum(rows), { grad: false });
