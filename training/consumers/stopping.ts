import { formatShape, loadParameters, type NamedParameters, type SafetensorsInput } from "@unfold/core";
import { checkCounts, listed, printable } from "@unfold/core/support";
import type { Optimizer } from "@unfold/optimizers";
import { nodeModules } from "../_node.ts";
import type { EpochEvent } from "../events.ts";
import { BEST_LOSS, COUNT, numbersState, readNumbers, type State, type Stateful } from "../stateful.ts";
import type { Consumer } from "./consume.ts";

/** Options for {@linkcode earlyStopping}. */
export interface EarlyStoppingOptions {
  /**
   * Epochs without improvement to wait before stopping.
   *
   * @default {Infinity: never stop, only keep the best weights}
   */
  patience?: number;
  /**
   * The fraction of the best loss by which a loss must be smaller to count as an improvement.
   *
   * @default {0}
   */
  threshold?: number;
}

/** The result of {@linkcode earlyStopping}. */
export interface EarlyStopping extends Consumer, Stateful {
  /** The best epoch so far; 0 before the first. */
  readonly epoch: number;
  /** Its loss. */
  readonly loss: number;
}

/**
 * Keeps the weights of the epoch with the lowest validation loss (or training loss, without validation). It stops the run after
 * `patience` epochs without improvement, and restores the best weights then or when the run is done.
 *
 * @param parameters The model's parameters.
 * @returns A consumer of training events. Checkpoints can hold its state.
 * @throws {RangeError} If `patience` is below 0, or `threshold` is not in [0, 1).
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { consume, earlyStopping, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * const early = earlyStopping(model.parameters(), { patience: 2 });
 * await consume(train({ model, optimizer, loss: meanSquaredError, batches, epochs: 5 }), early);
 * assert.equal(early.epoch, 5);
 * ```
 */
export function earlyStopping(parameters: NamedParameters, options: EarlyStoppingOptions = {}): EarlyStopping {
  const { patience = Infinity, threshold = 0 } = options;
  if (!(patience >= 0)) throw new RangeError(`Cannot stop early: patience must be 0 or more, got ${patience}`);
  if (!(threshold >= 0 && threshold < 1)) {
    throw new RangeError(`Cannot stop early: threshold must be at least 0 and below 1, got ${threshold}`);
  }
  let best = { epoch: 0, loss: Infinity, waited: 0 };
  let weights = new Map<string, SafetensorsInput>();
  const copy = () => {
    weights = new Map();
    for (const [name, { shape, data }] of Object.entries(parameters)) {
      weights.set(name, { shape, data: data.slice() as Float32Array<ArrayBuffer> });
    }
  };
  const restore = () => {
    if (weights.size > 0) loadParameters(parameters, weights);
  };
  const consumer: Consumer = (event) => {
    if (event.type === "done" && event.finished) restore();
    if (event.type !== "epoch") return;
    const loss = watchedLoss(event);
    if (improves(loss, best.loss, threshold)) {
      best = { epoch: event.epoch, loss, waited: 0 };
      copy();
    } else if (++best.waited > patience) {
      restore();
      return "stop";
    }
  };
  return Object.defineProperties(consumer, {
    epoch: { get: () => best.epoch },
    loss: { get: () => best.loss },
    state: {
      value: () =>
        new Map<string, SafetensorsInput>([
          ...numbersState(best),
          ...[...weights].map(([name, entry]) => [`weights/${name}`, entry] as const),
        ]),
    },
    load: {
      value: (state: State) => {
        const numbers = readNumbers("stop early", state, { epoch: COUNT, loss: BEST_LOSS, waited: COUNT });
        const { epoch, loss } = numbers;
        if ((epoch === 0) !== (loss === Infinity)) {
          throw new TypeError(
            `Cannot stop early: the loss in the state must be Infinity before the first epoch, and finite afterwards, got ` +
              `${loss} at epoch ${epoch}`,
          );
        }
        const saved = new Map<string, SafetensorsInput>();
        for (const [name, entry] of state) {
          if (name.startsWith("weights/")) saved.set(name.slice("weights/".length), entry);
        }
        // Before the first epoch there are none.
        if (epoch > 0 || saved.size > 0) checkWeights(parameters, saved);
        [best, weights] = [numbers, saved];
      },
    },
  }) as EarlyStopping;
}

/** Checks the best weights in a state now, not when they are restored at the end of the run. */
function checkWeights(parameters: NamedParameters, saved: ReadonlyMap<string, SafetensorsInput>): void {
  for (const [name, { shape }] of Object.entries(parameters)) {
    const entry = saved.get(name);
    const isSound = entry?.data instanceof Float32Array && String(entry.shape) === String(shape) &&
      entry.data.every(Number.isFinite);
    if (isSound) continue;
    const got = entry === undefined
      ? "none"
      : `${printable(formatShape(entry.shape))} in a ${entry.data.constructor.name}` +
        (entry.data.every((value) => Number.isFinite(Number(value))) ? "" : " with values that are not finite");
    throw new TypeError(
      `Cannot stop early: the state must have the best weights of ${name}, finite and in shape ` +
        `${formatShape(shape)}, got ${got}`,
    );
  }
  const unknown = [...saved.keys()].filter((name) => !Object.hasOwn(parameters, name));
  if (unknown.length === 0) return;
  throw new TypeError(`Cannot stop early: the state must have weights of the model alone, got ${listed(unknown)} too`);
}

/** Options for {@linkcode reduceOnPlateau}; names and defaults as in PyTorch's `ReduceLROnPlateau`. */
export interface ReduceOnPlateauOptions {
  /**
   * The factor that the learning rate is multiplied by.
   *
   * @default {0.1}
   */
  factor?: number;
  /**
   * Epochs without improvement to wait before a reduction.
   *
   * @default {10}
   */
  patience?: number;
  /**
   * The fraction of the best loss by which a loss must be smaller to count as an improvement.
   *
   * @default {1e-4}
   */
  threshold?: number;
  /**
   * Epochs after a reduction that do not count towards `patience`.
   *
   * @default {0}
   */
  cooldown?: number;
  /**
   * The lower limit of the learning rate, as a fraction of the schedule's.
   *
   * @default {0}
   */
  leastScale?: number;
}

/**
 * Reduces the learning rate when the validation loss (or training loss, without validation) stops improving. It sets
 * `optimizer.learningRateScale`, so it works with any schedule.
 *
 * @param optimizer The optimizer to adjust.
 * @returns A consumer of training events. Checkpoints can hold its state.
 * @throws {RangeError} If an option is out of range.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { reduceOnPlateau, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.2 });
 * const batches = [{ x: tensor([[0], [1]]), y: tensor([[1], [2]]) }];
 * const reduce = reduceOnPlateau(optimizer, { factor: 0.5, patience: 2, threshold: 0.5 });
 * for await (const event of train({ model, optimizer, loss: meanSquaredError, batches, epochs: 60 })) reduce(event);
 * assert.ok(optimizer.learningRate < 0.2);
 * ```
 */
export function reduceOnPlateau(
  optimizer: Optimizer,
  options: ReduceOnPlateauOptions = {},
): Consumer & Stateful {
  const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, leastScale = 0 } = options;
  const check = (name: string, value: number, valid: boolean, wanted: string) => {
    if (!valid) throw new RangeError(`Cannot reduce on a plateau: ${name} must be ${wanted}, got ${value}`);
  };
  check("factor", factor, factor > 0 && factor < 1, "above 0 and below 1");
  checkCounts("reduce on a plateau", { patience, cooldown }, { least: 0 });
  check("threshold", threshold, threshold >= 0 && threshold < 1, "at least 0 and below 1");
  check("leastScale", leastScale, leastScale >= 0 && leastScale <= 1, "from 0 to 1");
  let progress = { best: Infinity, waited: 0, cooling: 0 };
  const consumer: Consumer = (event) => {
    if (event.type !== "epoch") return;
    const loss = watchedLoss(event);
    const better = improves(loss, progress.best, threshold);
    if (better) progress.best = loss;
    progress.waited = better ? 0 : progress.waited + 1;
    if (progress.cooling > 0) {
      progress.cooling--;
      progress.waited = 0;
    }
    if (progress.waited <= patience) return;
    const { learningRateScale } = optimizer;
    optimizer.learningRateScale = Math.min(learningRateScale, Math.max(leastScale, factor * learningRateScale));
    progress.cooling = cooldown;
    progress.waited = 0;
  };
  return Object.assign(consumer, {
    state: () => new Map(numbersState(progress)),
    load(state: State) {
      progress = readNumbers("reduce on a plateau", state, { best: BEST_LOSS, waited: COUNT, cooling: COUNT });
    },
  });
}

/** The loss to watch: the validation loss, or the training loss without validation. */
function watchedLoss({ validationLoss, loss }: EpochEvent): number {
  return validationLoss ?? loss;
}

/** Whether a loss is below the best so far by more than a fraction of it. The first finite loss always improves. */
function improves(loss: number, best: number, threshold: number): boolean {
  return best === Infinity ? loss < best : loss < best - threshold * Math.abs(best);
}

/** The result of {@linkcode stopOnSignals}. Disposing of it restores the default action of the signals. */
export interface SignalStop extends Disposable {
  /** Aborted by the first signal. Pass it to `train()`. */
  readonly signal: AbortSignal;
  /** The exit code for the process: 130 after SIGINT, 143 after SIGTERM, otherwise undefined. */
  readonly exitCode: number | undefined;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Stops a run gracefully. The first SIGINT (Ctrl-C) or SIGTERM aborts a signal; `train()` then finishes its step, writes a
 * checkpoint and ends. A second SIGINT exits at once.
 *
 * @throws {Error} In a browser, which has no signals.
 *
 * @example
 * ```ts
 * import { stopOnSignals } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * using stop = stopOnSignals();
 * assert.deepEqual([stop.signal.aborted, stop.exitCode], [false, undefined]);
 * ```
 */
export function stopOnSignals(): SignalStop {
  const { process } = nodeModules("stop on signals");
  const controller = new AbortController();
  let exitCode: number | undefined;
  const listeners = Object.entries(EXIT_CODES).map(([name, code]) => {
    const listener = () => {
      if (name === "SIGINT" && controller.signal.aborted) process.exit(code);
      exitCode ??= code;
      controller.abort(`the process received ${name}`);
    };
    process.on(name, listener);
    return () => void process.off(name, listener);
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]: () => listeners.forEach((remove) => remove()),
  };
}
