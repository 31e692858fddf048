/**
 * Signum with a WebAssembly kernel that works in the memory of the parameters.
 *
 * @module
 */

import { loadKernels } from "@unfold/core/kernels";
import type { OptimizerPlugin } from "@unfold/optimizers";
import { wasm } from "./_kernel_wasm.ts";
import { signum, type SignumOptions } from "./signum.ts";

/** The exports of `kernel/signum.ts`. `params`, `grads` and `momentum` are byte offsets. */
interface Kernels {
  signum(params: number, grads: number, momentum: number, count: number, rate: number, beta: number): void;
}

const kernels = loadKernels<Kernels>({
  plain: Uint8Array.from(atob(wasm), (char) => char.charCodeAt(0)),
});

/**
 * The same as `signum`, but faster.
 *
 * @throws {RangeError} If β is not in [0, 1).
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { Optimizer } from "@unfold/optimizers";
 * import { fastSignum } from "@example/signum/fast";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * const optimizer = new Optimizer({ weight }, [fastSignum()], { learningRate: 0.5 });
 * weight.grad.data.set([3, -4]);
 * optimizer.step();
 * assert.deepEqual(weight.toArray(), [-0.5, 0.5]);
 * ```
 */
export function fastSignum(options: SignumOptions = {}): OptimizerPlugin {
  const { beta = 0.9 } = options;
  return {
    ...signum(options),
    update({ params, grads, slot }, { learningRate }) {
      const momentum = slot("momentum");
      kernels.signum(params.byteOffset, grads.byteOffset, momentum.byteOffset, params.length, learningRate, beta);
    },
  };
}
