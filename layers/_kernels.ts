import { loadKernels } from "@unfold/core/kernels";
import { plain, relaxed } from "./_kernels_wasm.ts";

/** The exports of `kernels/mod.ts`. Arguments are counts and byte offsets. */
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
  lstmNormalizedOutput(
    batch: number,
    hidden: number,
    gates: number,
    normalized: number,
    output: number,
  ): void;
  lstmNormalizedOutputBackward(
    batch: number,
    hidden: number,
    gates: number,
    tanhCell: number,
    dOutput: number,
    dHidden: number,
    dNormalized: number,
  ): void;
  lstmNormalizedBackward: LayerKernels["lstmBackward"];
  simpleRnnForward(batch: number, hidden: number, gates: number, bias: number, output: number, relu: boolean): void;
  simpleRnnBackward(
    batch: number,
    hidden: number,
    output: number,
    dOutput: number,
    dHidden: number,
    dGates: number,
    relu: boolean,
  ): void;
  gruAfterForward(
    batch: number,
    hidden: number,
    gates: number,
    products: number,
    bias: number,
    recurrentBias: number,
    before: number,
    output: number,
  ): void;
  gruAfterBackward(
    batch: number,
    hidden: number,
    gates: number,
    products: number,
    before: number,
    dOutput: number,
    dHidden: number,
    dGates: number,
    dProducts: number,
  ): void;
  gruBeforeReset(
    batch: number,
    hidden: number,
    gates: number,
    bias: number,
    input: number,
    resetState: number,
  ): void;
  gruBeforeOutput(batch: number, hidden: number, gates: number, bias: number, before: number, output: number): void;
  gruBeforeOutputBackward(
    batch: number,
    hidden: number,
    gates: number,
    before: number,
    dOutput: number,
    dHidden: number,
    dGates: number,
  ): void;
  gruBeforeResetBackward(
    batch: number,
    hidden: number,
    gates: number,
    input: number,
    dReset: number,
    dInput: number,
    dGates: number,
  ): void;
  layerNormForward(
    x: number,
    xStride: number,
    weight: number,
    bias: number,
    biasStride: number,
    y: number,
    yStride: number,
    normal: number,
    scales: number,
    rows: number,
    n: number,
    eps: number,
  ): void;
  layerNormBackward(
    dy: number,
    dyStride: number,
    weight: number,
    normal: number,
    scales: number,
    dx: number,
    dxStride: number,
    dWeight: number,
    rows: number,
    n: number,
  ): void;
}

export const kernels: LayerKernels = loadKernels<LayerKernels>({ relaxed, plain });
