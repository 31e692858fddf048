import { noGrad, Random, scope, type Tensor, tensor, useBlas } from "@unfold/core";

/** Numbers to compute with. */
export function draw(count: number, seed = 1): Float32Array<ArrayBuffer> {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

/** A tensor of numbers that stays. */
export function drawTensor(shape: readonly number[], seed = 1): Tensor {
  return tensor(draw(shape.reduce((a, b) => a * b, 1), seed), { shape, persistent: true });
}

/** A benchmark of ours: what it makes is released after each run. */
export function ours(name: string, group: string, fn: () => void, { baseline = false, grad = true } = {}): void {
  Deno.bench({
    name,
    group,
    baseline,
    fn: () => {
      using _ = scope();
      if (grad) fn();
      else noGrad(fn);
    },
  });
}

/** The same with the products by OpenBLAS, where it is installed. */
export function withBlas(name: string, group: string, fn: () => void): void {
  try {
    useBlas()[Symbol.dispose]();
  } catch {
    return;
  }
  Deno.bench({
    name,
    group,
    fn: (timer) => {
      using _ = useBlas();
      using __ = scope();
      timer.start();
      fn();
      timer.end();
    },
  });
}
