import { loadKernels } from "@unfold/core/kernels";
import { plain, relaxed } from "./_kernels_wasm.ts";

/** The exports of `kernels/mod.ts`: byte offsets of parameters, gradients and slots, then the count, then numbers. */
interface OptimizerKernels {
  sgd(p: number, g: number, n: number, rate: number): void;
  sgdMomentum(
    p: number,
    g: number,
    v: number,
    n: number,
    rate: number,
    momentum: number,
    share: number,
    nesterov: boolean,
  ): void;
  adam(
    p: number,
    g: number,
    m: number,
    v: number,
    n: number,
    stepSize: number,
    share1: number,
    beta2: number,
    share2: number,
    rootScale: number,
    epsilon: number,
  ): void;
}

export const kernels: OptimizerKernels = loadKernels<OptimizerKernels>({ relaxed, plain });
