import { defineOp, empty, type Tensor, zeros } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { Normalization } from "./_normalization.ts";

/** The op behind {@linkcode LayerNorm}: x, weight, bias and ε. */
export const layerNorm: (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => Tensor = defineOp(
  "LayerNorm",
  (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => {
    const n = weight.size;
    const rows = x.size / n;
    const all = { row: 0, rows };
    const stride = 4 * n;
    const y = empty(x.shape);
    // One gate, as wide as a row.
    const norm = new Normalization({ rows, hidden: n, blocks: [{ from: 0, to: 1 }], eps }, weight);
    norm.forward(all, x.offset, { offset: y.offset, stride }, { offset: bias.offset, stride: 0 });
    return {
      inputs: [x, weight, bias],
      output: y,
      backward: (dy) => {
        const [dx, dWeight, dBias] = [empty(x.shape), zeros(weight.shape), zeros(bias.shape)];
        norm.backward(all, { offset: dy.offset, stride }, dx.offset, dWeight);
        coreKernels.sumInto(dy.offset, dBias.offset, rows, n, 0, 4);
        return [dx, dWeight, dBias];
      },
    };
  },
);
