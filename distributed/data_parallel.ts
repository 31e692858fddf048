import { decodeSafetensors, type DType, encodeSafetensors, formatShape, Tensor } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { Optimizer } from "@unfold/optimizers";
import type { Batch, Parallel } from "@unfold/training";
import type { Communicator } from "./communicator.ts";

/** Options for {@linkcode dataParallel}. */
export interface DataParallelOptions {
  /** This rank's optimizer. */
  optimizer: Optimizer;
  /** The ranks. */
  communicator: Communicator;
  /**
   * Steps between checks that all ranks hold the same weights.
   *
   * @default {100}
   */
  verifyEvery?: number;
}

/**
 * Trains one model on several ranks. Each rank takes its rows of every batch. Once per step the gradients are summed
 * over the ranks, before the optimizer's plugins see them. Every rank then takes the same step, so the weights stay
 * equal and need not be sent.
 *
 * If the loss is a mean over the targets, n ranks compute the same gradient as one: ∇L = Σᵣ wᵣ·∇Lᵣ, where Lᵣ is the loss of the
 * rows of rank r and wᵣ their fraction of the batch's targets (Li et al., 2020).
 *
 * Pass the result to `train()` and `evaluate()` as `parallel`.
 *
 * @throws {RangeError} If `verifyEvery` is not a positive integer.
 *
 * @example The same loop as in `train()`, written by hand
 * ```ts
 * import { full, scope, tensor } from "@unfold/core";
 * import { dataParallel, single } from "@unfold/distributed";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
 * const parallel = dataParallel({ optimizer, communicator: single() });
 * await parallel.synchronize();
 * const batch = { x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) };
 * for (let step = 0; step < 200; step++) {
 *   const share = parallel.shard(batch);
 *   if (share !== undefined) {
 *     using _ = scope();
 *     meanSquaredError(model.forward(share.x), share.y).backward(full([], share.y.size / batch.y.size));
 *   }
 *   await parallel.sumGradients();
 *   optimizer.step();
 * }
 * assert.ok(Math.abs(model.weight.item() - 2) < 0.01);
 * ```
 */
export function dataParallel(options: DataParallelOptions): Parallel {
  const { optimizer, communicator, verifyEvery = 100 } = options;
  checkCounts("train on several ranks", { verifyEvery });
  const { rank, size } = communicator;

  async function sum(numbers: readonly number[]): Promise<number[]> {
    const sums = Float64Array.from(numbers);
    await communicator.allReduce(sums, "sum");
    return [...sums];
  }

  /** One number from each rank. */
  function collect(number: number): Promise<number[]> {
    return sum(Array.from({ length: size }, (_, other) => other === rank ? number : 0));
  }

  async function gather(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>[]> {
    const lengths = await collect(bytes.length);
    const all = lengths.map((length, other) => other === rank ? bytes : new Uint8Array(length));
    for (const [root, part] of all.entries()) await communicator.broadcast(part, root);
    return all;
  }

  async function verify(): Promise<void> {
    const hashes = await collect(hashOf(optimizer.slab.params));
    const others = hashes.flatMap((hash, other) => hash === hashes[0] ? [] : [other]).join(", ");
    if (others === "") return;
    throw new Error(
      `Cannot continue training: all ranks must hold the weights of rank 0 after step ${optimizer.steps}, got others on ` +
        `rank ${others}; run the same program on the same data on every rank`,
    );
  }

  function rows(count: number): [from: number, to: number] {
    return [Math.floor(rank * count / size), Math.floor((rank + 1) * count / size)];
  }

  return {
    rank,
    size,
    rows,
    sum,
    gather,
    shard: (batch) => size === 1 ? batch : shardOf(batch, rows),
    async sumGradients() {
      if (optimizer.steps % verifyEvery === 0) await verify();
      await communicator.allReduce(optimizer.slab.grads, "sum");
    },
    async settle() {
      await verify();
      await communicator.allReduce(optimizer.slab.grads, "sum");
      if (rank > 0) optimizer.slab.grads.fill(0);
    },
    async synchronize() {
      await communicator.broadcast(optimizer.slab.params);
      const [state] = await gather(rank === 0 ? encodeSafetensors(optimizer.state()) : new Uint8Array());
      if (rank === 0) return;
      optimizer.load(decodeSafetensors(state!).tensors);
      // The saved gradients of an incomplete step are already summed over the ranks, and must count once.
      optimizer.slab.grads.fill(0);
    },
  };
}

function shardOf<Whole extends Batch<DType>>(batch: Whole, rowsOf: Parallel["rows"]): Whole | undefined {
  const { x, y, lengths } = batch;
  const rows = x.shape[0] ?? 0;
  if (y.shape[0] !== rows) {
    const [left, right] = [formatShape(x.shape), formatShape(y.shape)];
    throw new TypeError(`Cannot share a batch: x and y must have the same number of rows, got ${left} and ${right}`);
  }
  const [from, to] = rowsOf(rows);
  if (from === to) return undefined;
  const own = ({ shape, dtype, offset, size, owner }: Tensor<DType>) =>
    new Tensor(shape.with(0, to - from), { dtype, offset: offset + 4 * from * size / rows, owner });
  return { ...batch, x: own(x), y: own(y), ...(lengths && { lengths: lengths.slice(from, to) }) };
}

/** A hash of an array's bits (FNV-1a over words). */
function hashOf({ buffer, byteOffset, length }: Float32Array<ArrayBuffer>): number {
  const words = new Uint32Array(buffer, byteOffset, length);
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  return hash >>> 0;
}
