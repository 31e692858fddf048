import type { TrainEvent } from "../events.ts";

/** Receives the events of a training run: a progress bar, a log, early stopping. It stops the run by returning "stop". */
export type Consumer = (event: TrainEvent) => void | "stop" | Promise<void | "stop">;

/**
 * Passes the events of a run to consumers, in order, until the run is done or a consumer returns "stop".
 *
 * @param events The events, from `train()`.
 * @param consumers Called with each event, one after the other.
 * @returns The last event.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { consume, earlyStopping, jsonLines, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * const file = await Deno.makeTempFile();
 * const events = train({ model, optimizer, loss: meanSquaredError, batches, epochs: 1000 });
 * const last = await consume(events, jsonLines(file), earlyStopping(model.parameters(), { patience: 3, threshold: 0.01 }));
 * assert.ok(last!.epoch < 1000);
 * await Deno.remove(file);
 * ```
 */
export async function consume(
  events: AsyncIterable<TrainEvent>,
  ...consumers: readonly Consumer[]
): Promise<TrainEvent | undefined> {
  let last: TrainEvent | undefined;
  for await (const event of events) {
    last = event;
    let stop = false;
    for (const consumer of consumers) stop = await consumer(event) === "stop" || stop;
    if (stop) break;
  }
  return last;
}
