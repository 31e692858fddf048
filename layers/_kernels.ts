import { bytesFromText, loadKernels } from "@unfold/core/kernels";
import { plain, relaxed } from "./_kernels_wasm.ts";

/** The exports of `kernels/mod.ts`. Arguments are counts and byte offsets. */
interface LayerKernels {
  activateGates(
    rows: number,
    n: number,
    codes: number,
    gates: number,
    x: number,
    xRow: number,
    xGate: number,
    p: number,
    pRow: number,
    pGate: number,
    bias: number,
    y: number,
    yRow: number,
    yGate: number,
  ): void;
  gateSlopes(
    rows: number,
    n: number,
    codes: number,
    gates: number,
    y: number,
    dy: number,
    yRow: number,
    yGate: number,
    dx: number,
    dxRow: number,
    dxGate: number,
    dp: number,
    dpRow: number,
    dpGate: number,
  ): void;
  lstmForward(
    n: number,
    i: number,
    f: number,
    g: number,
    o: number,
    before: number,
    cell: number,
    tanhCell: number,
    hidden: number,
  ): void;
  lstmBackward(
    n: number,
    i: number,
    f: number,
    g: number,
    o: number,
    before: number,
    tanhCell: number,
    dHidden: number,
    dCell: number,
    dI: number,
    dF: number,
    dG: number,
    dO: number,
    dBefore: number,
  ): void;
  lstmNormalizedOutput(n: number, o: number, normalized: number, hidden: number): void;
  lstmNormalizedOutputBackward(n: number, o: number, tanhCell: number, dHidden: number, dNormalized: number): void;
  lstmNormalizedBackward: LayerKernels["lstmBackward"];
  gruAfter(
    n: number,
    r: number,
    z: number,
    candidate: number,
    product: number,
    before: number,
    hidden: number,
  ): void;
  gruAfterBackward(
    n: number,
    r: number,
    z: number,
    candidate: number,
    product: number,
    before: number,
    dHidden: number,
    dR: number,
    dZ: number,
    dCandidate: number,
    dProduct: number,
    dBefore: number,
  ): void;
  gruMix(n: number, z: number, candidate: number, before: number, hidden: number): void;
  gruMixBackward(
    n: number,
    z: number,
    candidate: number,
    before: number,
    dHidden: number,
    dZ: number,
    dCandidate: number,
    dBefore: number,
  ): void;
  gruResetBackward(n: number, r: number, input: number, dLate: number, dR: number, dInput: number): void;
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

export const kernels: LayerKernels = loadKernels<LayerKernels>({
  relaxed: bytesFromText(relaxed),
  plain: bytesFromText(plain),
});
