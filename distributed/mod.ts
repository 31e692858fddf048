/**
 * Trains one model on several ranks: processes that MPI launches, on one or many machines.
 *
 * @example A program that runs alone, or under `mpiexec -n 4`
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { dataParallel, single } from "@unfold/distributed";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { adam, Optimizer } from "@unfold/optimizers";
 * import { train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const communicator = single(); // or await connect()
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 0.1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * const parallel = dataParallel({ optimizer, communicator });
 * let last = Infinity;
 * for await (const event of train({ model, optimizer, loss: meanSquaredError, batches, epochs: 200, parallel })) {
 *   if (event.type === "epoch" && communicator.rank === 0) last = event.loss;
 * }
 * assert.ok(last < 0.01);
 * await communicator.close();
 * ```
 *
 * @module
 */

export { type Communicator, type Numbers, ownStream, type Reduction, single } from "./communicator.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export { dataParallel, type DataParallelOptions } from "./data_parallel.ts";
export { launchedRanks } from "./launcher.ts";
export { checkSameOnRanks, type SameOnRanks } from "./same_on_ranks.ts";
