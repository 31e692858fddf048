import {
  concat,
  formatShape,
  gather,
  max,
  mean,
  multiply,
  type NamedParameters,
  reshape,
  slice,
  sum,
  type Tensor,
  tensor,
  where,
} from "@unfold/core";
import { describe } from "@unfold/core/support";
import { architectureFor } from "../_architecture.ts";
import { checkLengths, checkShape } from "../_check.ts";
import type { ForwardOptions, Layer, LayerArchitecture } from "../layer.ts";

/** Checks that x is [batch, time, features] with at least one time step, and that lengths fit it. */
function checkSteps(doing: string, x: Tensor, lengths: readonly number[] | undefined): [number, number, number] {
  checkShape(doing, "x", x, { batch: undefined, time: undefined, features: undefined });
  const [batch, time, features] = x.shape as [number, number, number];
  if (time < 1) {
    throw new TypeError(`Cannot ${doing}: x must have at least one time step, got ${formatShape(x.shape)}`);
  }
  if (lengths !== undefined) checkLengths(doing, lengths, { batch, time, least: 1 });
  return [batch, time, features];
}

/** The last time step of each sequence. */
function lastStep(doing: string, x: Tensor, lengths: readonly number[] | undefined): Tensor {
  const [batch, time, features] = checkSteps(doing, x, lengths);
  if (lengths === undefined) return reshape(slice(x, { axis: 1, start: time - 1 }), [batch, features]);
  const rows = lengths.map((length, row) => row * time + length - 1);
  return gather(reshape(x, [batch * time, features]), tensor(rows, { dtype: "i32" }));
}

/** x with another value in the padding, which may hold anything, including NaN. */
function withPadding(x: Tensor, lengths: readonly number[], value: number): Tensor {
  const [batch, time] = x.shape as [number, number];
  const valid = Int32Array.from(
    { length: batch * time },
    (_, i) => Number(i % time < lengths[Math.floor(i / time)]!),
  );
  return where(tensor(valid, { shape: [batch, time, 1] }), x, tensor(value));
}

/**
 * The last time step of each sequence: [batch, time, features] → [batch, features]. Put it after a unidirectional recurrent layer
 * to predict once per sequence; after a bidirectional one, use {@linkcode FinalState}.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { LastStep } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[[1], [2]], [[3], [4]]]);
 * assert.deepEqual(new LastStep().forward(x).toArray(), [[2], [4]]);
 * assert.deepEqual(new LastStep().forward(x, { lengths: [1, 2] }).toArray(), [[1], [4]]);
 * ```
 */
export class LastStep implements Layer {
  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /**
   * Takes the last time step.
   *
   * @param x [batch, time, features], at least one time step.
   * @returns [batch, features].
   * @throws {TypeError} If x has other axes or no time step, or the number of lengths differs from the batch.
   * @throws {RangeError} If a length is not an integer from 1 to time.
   */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return lastStep("take the last step", x, options?.lengths);
  }

  /** No options. */
  architecture(): LayerArchitecture {
    return architectureFor(this, LastStep, { type: "LastStep" });
  }
}

/** Options for {@linkcode FinalState}. */
export interface FinalStateOptions {
  /**
   * The directions of the recurrent layer before: 2 if it is bidirectional.
   *
   * @default {1}
   */
  directions?: 1 | 2;
}

/**
 * The final hidden state of the recurrent layer before, of its last stacked layer: [batch, time, features] → [batch, features]. The
 * forward direction ends at the last time step of each sequence. The backward direction ends at the first, so for a bidirectional
 * layer the second half of the features is taken from there. Each direction has then seen the whole sequence.
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import { Dense, FinalState, LSTM, Sequential } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const lstm = new LSTM({ inputSize: 3, hiddenSize: 4, bidirectional: true });
 * const model = new Sequential([lstm, new FinalState({ directions: 2 }), new Dense({ inputSize: 8, outputSize: 1 })]);
 * assert.deepEqual(model.forward(zeros([2, 5, 3]), { lengths: [5, 2] }).shape, [2, 1]);
 * ```
 */
export class FinalState implements Layer {
  /** The directions of the recurrent layer before. */
  readonly directions: 1 | 2;

  /**
   * Creates the layer.
   *
   * @throws {RangeError} If the directions are neither 1 nor 2.
   */
  constructor(options?: FinalStateOptions) {
    const { directions = 1 } = options ?? {};
    if (directions !== 1 && directions !== 2) {
      throw new RangeError(`Cannot make FinalState: directions must be 1 or 2, got ${describe(directions)}`);
    }
    this.directions = directions;
  }

  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /**
   * Takes the final state.
   *
   * @param x The output of a recurrent layer, [batch, time, directions·hiddenSize], at least one time step.
   * @returns [batch, directions·hiddenSize].
   * @throws {TypeError} If x has other axes, no time step or an odd number of features for two directions, or the number of lengths
   * differs from the batch.
   * @throws {RangeError} If a length is not an integer from 1 to time.
   */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    const doing = "take the final state";
    const last = lastStep(doing, x, options?.lengths);
    if (this.directions === 1) return last;
    const [batch, , features] = x.shape as [number, number, number];
    if (features % 2 !== 0) {
      throw new TypeError(
        `Cannot ${doing}: x must have an even number of features, half for each direction, got ${formatShape(x.shape)}`,
      );
    }
    const half = features / 2;
    const first = reshape(slice(x, { axis: 1, end: 1 }), [batch, features]);
    return concat([slice(last, { axis: 1, end: half }), slice(first, { axis: 1, start: half })], { axis: 1 });
  }

  /** `directions`. */
  architecture(): LayerArchitecture {
    return architectureFor(this, FinalState, { type: "FinalState", directions: this.directions });
  }
}

/**
 * The mean over the time steps of each sequence, without its padding: [batch, time, features] → [batch, features].
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { MeanSteps } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[[1], [2]], [[3], [NaN]]]);
 * assert.deepEqual(new MeanSteps().forward(x, { lengths: [2, 1] }).toArray(), [[1.5], [3]]);
 * ```
 */
export class MeanSteps implements Layer {
  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /**
   * Averages over time.
   *
   * @param x [batch, time, features], at least one time step.
   * @returns [batch, features].
   * @throws {TypeError} If x has other axes or no time step, or the number of lengths differs from the batch.
   * @throws {RangeError} If a length is not an integer from 1 to time.
   */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    const lengths = options?.lengths;
    const [batch] = checkSteps("average over time", x, lengths);
    if (lengths === undefined) return mean(x, { axis: 1 });
    const shares = tensor(Float32Array.from(lengths, (length) => 1 / length), { shape: [batch, 1] });
    return multiply(sum(withPadding(x, lengths, 0), { axis: 1 }), shares);
  }

  /** No options. */
  architecture(): LayerArchitecture {
    return architectureFor(this, MeanSteps, { type: "MeanSteps" });
  }
}

/**
 * The maximum of each feature over the time steps of each sequence, without its padding: [batch, time, features] → [batch,
 * features]. The gradient goes to the first maximum.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { MaxSteps } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[[1], [2]], [[3], [9]]]);
 * assert.deepEqual(new MaxSteps().forward(x, { lengths: [2, 1] }).toArray(), [[2], [3]]);
 * ```
 */
export class MaxSteps implements Layer {
  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /**
   * Takes the maximum over time.
   *
   * @param x [batch, time, features], at least one time step.
   * @returns [batch, features].
   * @throws {TypeError} If x has other axes or no time step, or the number of lengths differs from the batch.
   * @throws {RangeError} If a length is not an integer from 1 to time.
   */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    const lengths = options?.lengths;
    checkSteps("take the maximum over time", x, lengths);
    return max(lengths === undefined ? x : withPadding(x, lengths, -Infinity), { axis: 1 });
  }

  /** No options. */
  architecture(): LayerArchitecture {
    return architectureFor(this, MaxSteps, { type: "MaxSteps" });
  }
}
