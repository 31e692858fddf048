import { defineOp, empty, type Tensor, zeros } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { kernels } from "./_kernels.ts";

/** The op behind {@linkcode LayerNorm}: x, weight, bias and ε. */
export const layerNorm: (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => Tensor = defineOp(
  "LayerNorm",
  (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => {
    const n = weight.size;
    const rows = x.size / n;
    const stride = 4 * n;
    const [y, normal, scales] = [empty(x.shape), empty(x.shape), empty([rows])];
    kernels.layerNormForward(
      x.offset,
      stride,
      weight.offset,
      bias.offset,
      0,
      y.offset,
      stride,
      normal.offset,
      scales.offset,
      rows,
      n,
      eps,
    );
    return {
      inputs: [x, weight, bias],
      output: y,
      backward: (dy) => {
        const [dx, dWeight, dBias] = [empty(x.shape), zeros(weight.shape), zeros(bias.shape)];
        kernels.layerNormBackward(
          dy.offset,
          stride,
          weight.offset,
          normal.offset,
          scales.offset,
          dx.offset,
          stride,
          dWeight.offset,
          rows,
          n,
        );
        coreKernels.sumInto(dy.offset, dBias.offset, rows, n, 0, 4);
        return [dx, dWeight, dBias];
      },
    };
  },
);
