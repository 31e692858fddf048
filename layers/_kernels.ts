import { loadKernels } from "@unfold/core/kernels";
import { plain, relaxed } from "./_kernels_wasm.ts";

/** The exports of `kernels/mod.ts`: counts, then byte offsets. */
interface LayerKernels {
  lstmForward(
    batch: number,
    hidden: number,
    gates: number,
    bias: number,
    before: number,
    cell: number,
    tanhCell: number,
    output: number,
  ): void;
  lstmBackward(
    batch: number,
    hidden: number,
    gates: number,
    before: number,
    tanhCell: number,
    dOutput: number,
    dHidden: number,
    dCell: number,
    dGates: number,
  ): void;
}

export const kernels: LayerKernels = loadKernels<LayerKernels>({ relaxed, plain });
