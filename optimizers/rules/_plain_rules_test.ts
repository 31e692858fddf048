import type { OptimizerPlugin, ParameterGroup, UpdateInfo } from "../plugin.ts";
import type { AdamWOptions, NadamOptions } from "./adam.ts";
import type { AdadeltaOptions, AdagradOptions, RmspropOptions } from "./adaptive.ts";
import type { LionOptions, SgdOptions } from "./momentum.ts";

/**
 * The rules as plain loops, each a few lines from its paper, to test the kernels against and to compare their speed. Slots
 * have the kernels' names.
 */
export const plainRules = {
  sgd: ({ momentum = 0, dampening = 0, nesterov = false }: SgdOptions = {}) =>
    rule(({ params, grads, slot }, { step, learningRate }) => {
      if (momentum === 0) {
        for (let i = 0; i < params.length; i++) params[i]! -= learningRate * grads[i]!;
        return;
      }
      const velocity = slot("velocity");
      const share = step === 1 ? 1 : 1 - dampening;
      for (let i = 0; i < params.length; i++) {
        const g = grads[i]!;
        const v = velocity[i] = momentum * velocity[i]! + share * g;
        params[i]! -= learningRate * (nesterov ? g + momentum * v : v);
      }
    }),
  adam: ({ betas = [0.9, 0.999], eps = 1e-8, amsgrad = false, weightDecay = 0 }: AdamWOptions = {}) =>
    rule(({ params, grads, slot }, { step, learningRate }) => {
      const [beta1, beta2] = betas;
      const [m, v] = [slot("m"), slot("v")];
      const largest = amsgrad ? slot("largestV") : v;
      const [scale1, scale2] = [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)];
      for (let i = 0; i < params.length; i++) {
        const g = grads[i]!;
        const mean = m[i] = beta1 * m[i]! + (1 - beta1) * g;
        const square = v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        const root = largest[i] = amsgrad ? Math.max(largest[i]!, square) : square;
        const p = params[i]! * (1 - learningRate * weightDecay);
        params[i] = p - learningRate * mean * scale1 / (Math.sqrt(root * scale2) + eps);
      }
    }),
  rmsprop: ({ alpha = 0.99, eps = 1e-8, momentum = 0, centered = false }: RmspropOptions = {}) =>
    rule(({ params, grads, slot }, { learningRate }) => {
      const v = slot("square");
      const mean = centered ? slot("mean") : v;
      const velocity = momentum > 0 ? slot("velocity") : v;
      for (let i = 0; i < params.length; i++) {
        const g = grads[i]!;
        let square = v[i] = alpha * v[i]! + (1 - alpha) * g * g;
        if (centered) {
          const centre = mean[i] = alpha * mean[i]! + (1 - alpha) * g;
          square = Math.max(0, square - centre * centre);
        }
        let direction = g / (Math.sqrt(square) + eps);
        if (momentum > 0) direction = velocity[i] = momentum * velocity[i]! + direction;
        params[i]! -= learningRate * direction;
      }
    }),
  adagrad: ({ lrDecay = 0, initialAccumulatorValue = 0, eps = 1e-10 }: AdagradOptions = {}) =>
    rule(({ params, grads, slot }, { step, learningRate }) => {
      const sum = slot("sum");
      if (step === 1) sum.fill(initialAccumulatorValue);
      const rate = learningRate / (1 + (step - 1) * lrDecay);
      for (let i = 0; i < params.length; i++) {
        const g = grads[i]!;
        const total = sum[i] = sum[i]! + g * g;
        params[i]! -= rate * g / (Math.sqrt(total) + eps);
      }
    }),
  adadelta: ({ rho = 0.9, eps = 1e-6 }: AdadeltaOptions = {}) =>
    rule(({ params, grads, slot }, { learningRate }) => {
      const [v, u] = [slot("squaredGradient"), slot("squaredChange")];
      for (let i = 0; i < params.length; i++) {
        const g = grads[i]!;
        const square = v[i] = rho * v[i]! + (1 - rho) * g * g;
        const change = Math.sqrt(u[i]! + eps) / Math.sqrt(square + eps) * g;
        u[i] = rho * u[i]! + (1 - rho) * change * change;
        params[i]! -= learningRate * change;
      }
    }),
  nadam: ({ betas = [0.9, 0.999], eps = 1e-8, momentumDecay = 4e-3 }: NadamOptions = {}) => {
    let [last, product] = [0, 1];
    return rule(({ params, grads, slot }, { step, learningRate }) => {
      const [beta1, beta2] = betas;
      const momentum = (t: number) => beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay));
      while (last < step) product *= momentum(++last);
      const [m, v] = [slot("m"), slot("v")];
      const [now, next] = [momentum(step), momentum(step + 1)];
      const [share, nextShare] = [(1 - now) / (1 - product), next / (1 - product * next)];
      const scale2 = 1 / (1 - beta2 ** step);
      for (let i = 0; i < params.length; i++) {
        const g = grads[i]!;
        const mean = m[i] = beta1 * m[i]! + (1 - beta1) * g;
        const square = v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        params[i]! -= learningRate * (share * g + nextShare * mean) / (Math.sqrt(square * scale2) + eps);
      }
    });
  },
  lion: ({ betas = [0.9, 0.99], weightDecay = 1e-3 }: LionOptions = {}) =>
    rule(({ params, grads, slot }, { learningRate }) => {
      const [beta1, beta2] = betas;
      const m = slot("m");
      for (let i = 0; i < params.length; i++) {
        const [g, mean] = [grads[i]!, m[i]!];
        params[i]! -= learningRate * (Math.sign(beta1 * mean + (1 - beta1) * g) + weightDecay * params[i]!);
        m[i] = beta2 * mean + (1 - beta2) * g;
      }
    }),
};

function rule(update: (group: ParameterGroup, info: UpdateInfo) => void): OptimizerPlugin {
  return { name: "plain", update };
}
