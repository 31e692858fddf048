import { bytesFromText, loadKernels } from "@unfold/core/kernels";
import { plain, relaxed } from "./_kernels_wasm.ts";

/** The exports of `kernels/mod.ts`. They take byte offsets of parameters, gradients and slots, a count, then numbers. */
interface OptimizerKernels {
  sgd(p: number, g: number, n: number, rate: number): void;
  sgdMomentum(
    p: number,
    g: number,
    velocity: number,
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
    keep: number,
  ): void;
  amsgrad(
    p: number,
    g: number,
    m: number,
    v: number,
    largest: number,
    n: number,
    stepSize: number,
    share1: number,
    beta2: number,
    share2: number,
    rootScale: number,
    epsilon: number,
    keep: number,
  ): void;
  nadam(
    p: number,
    g: number,
    m: number,
    v: number,
    n: number,
    gradientStep: number,
    meanStep: number,
    share1: number,
    beta2: number,
    share2: number,
    rootScale: number,
    epsilon: number,
  ): void;
  lion(p: number, g: number, m: number, n: number, rate: number, share1: number, share2: number, keep: number): void;
  rmsprop(
    p: number,
    g: number,
    square: number,
    mean: number,
    velocity: number,
    n: number,
    rate: number,
    alpha: number,
    share: number,
    epsilon: number,
    momentum: number,
  ): void;
  adagrad(p: number, g: number, sum: number, n: number, rate: number, epsilon: number): void;
  adadelta(
    p: number,
    g: number,
    square: number,
    change: number,
    n: number,
    rate: number,
    rho: number,
    share: number,
    epsilon: number,
  ): void;
  blend(x: number, y: number, n: number, share: number): void;
}

export const kernels: OptimizerKernels = loadKernels<OptimizerKernels>({
  relaxed: bytesFromText(relaxed),
  plain: bytesFromText(plain),
});
