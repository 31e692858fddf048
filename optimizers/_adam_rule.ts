import type { AdamOptions } from "./adam.ts";
import { checkBetas, checkFlag, checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Adam, with decoupled weight decay or without. */
export function adamRule(name: string, options: AdamOptions, weightDecay: number): OptimizerPlugin {
  const { betas = [0.9, 0.999], eps = 1e-8, amsgrad = false } = options;
  checkBetas(name, betas);
  checkFlag(name, "amsgrad", amsgrad);
  checkRange(name, "eps", eps, 0, Infinity);
  const [beta1, beta2] = betas;
  return {
    name,
    update({ params, grads, slot }, { step, learningRate }) {
      const numbers = [
        params.length,
        learningRate / (1 - beta1 ** step),
        1 - beta1,
        beta2,
        1 - beta2,
        1 / Math.sqrt(1 - beta2 ** step),
        eps,
        1 - learningRate * weightDecay,
      ] as const;
      const [p, g, m, v] = [params, grads, slot("m"), slot("v")].map(({ byteOffset }) => byteOffset);
      if (amsgrad) kernels.amsgrad(p!, g!, m!, v!, slot("largestV").byteOffset, ...numbers);
      else kernels.adam(p!, g!, m!, v!, ...numbers);
    },
  };
}
