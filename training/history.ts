import type { Consumer } from "./consume.ts";
import type { State, Stateful } from "./stateful.ts";

/** The losses of one epoch. */
export interface EpochLosses {
  /** The epoch; the first is 1. */
  readonly epoch: number;
  /** The mean training loss. */
  readonly loss: number;
  /** The mean loss on the validation data, where there is any. */
  readonly validationLoss?: number;
}

/** What {@linkcode history} returns. */
export interface History extends Consumer, Stateful {
  /** The losses of the epochs so far: the learning curve. */
  readonly epochs: readonly EpochLosses[];
}

/**
 * Takes down the losses of each epoch. With its state in the checkpoints a resumed run has those before it too.
 *
 * @returns A consumer of training events.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { consume, history, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * const curve = history();
 * await consume(train({ model, optimizer, loss: meanSquaredError, batches, epochs: 3 }), curve);
 * assert.deepEqual(curve.epochs.map(({ epoch }) => epoch), [1, 2, 3]);
 * assert.ok(curve.epochs[2]!.loss < curve.epochs[0]!.loss);
 * ```
 */
export function history(): History {
  let epochs: EpochLosses[] = [];
  const consumer: Consumer = (event) => {
    if (event.type !== "epoch") return;
    const { epoch, loss, validationLoss } = event;
    epochs.push({ epoch, loss, ...(validationLoss !== undefined && { validationLoss }) });
  };
  return Object.defineProperties(consumer, {
    epochs: { get: () => epochs },
    state: {
      value: (): State => {
        // NaN stands for a validation that there was not.
        const data = Float64Array.from(epochs.flatMap((one) => [one.epoch, one.loss, one.validationLoss ?? NaN]));
        return new Map([["epochs", { shape: [epochs.length, 3], data }]]);
      },
    },
    load: {
      value: (state: State) => {
        const { data, shape } = state.get("epochs") ?? {};
        if (!(data instanceof Float64Array) || shape?.[1] !== 3) {
          throw new TypeError(
            `Cannot go on with the history: its state must have epochs, [n, 3], got ${
              shape === undefined ? "none" : `[${shape}]`
            }`,
          );
        }
        epochs = Array.from({ length: data.length / 3 }, (_, i) => {
          const [epoch, loss, validationLoss] = data.subarray(3 * i) as unknown as [number, number, number];
          return { epoch, loss, ...(!Number.isNaN(validationLoss) && { validationLoss }) };
        });
      },
    },
  }) as History;
}
