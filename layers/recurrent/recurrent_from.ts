import { concat, less, type NamedParameters, reshape, slice, type Tensor, tensor, where, zeros } from "@unfold/core";
import { checkCounts, describe } from "@unfold/core/support";
import { checkLengths, checkShape } from "../_check.ts";
import type { RecurrentLayer, RecurrentResult, RecurrentState, RunOptions } from "../layer.ts";

/** States by name, [batch, hiddenSize] each. */
export type NamedStates<Name extends string> = Readonly<Record<Name, Tensor>>;

/**
 * One time step of a cell, composed of ops: x [batch, inputSize] and the states before → the states after.
 *
 * @typeParam Name The names of the states. The first one is the output.
 * @typeParam Weights What the cell learns, by name.
 */
export type ComposedStep<Name extends string, Weights> = (
  x: Tensor,
  state: NamedStates<NoInfer<Name>>,
  weights: Weights,
) => NamedStates<NoInfer<Name>>;

/** Options for {@linkcode recurrentFrom}. */
export interface RecurrentFromOptions<Name extends string, Weights extends NamedParameters> {
  /** Features of the input at each time step. */
  inputSize: number;
  /** Features of each state. */
  hiddenSize: number;
  /**
   * The names of the states. The first one is the output.
   *
   * @default {["hidden"]}
   */
  states?: readonly Name[];
  /**
   * What the layer learns, by name; the step gets it as its third argument.
   *
   * @default {{}}
   */
  parameters?: Weights;
}

/**
 * A recurrent layer whose cell is a function composed of ops. It needs no backward: the tape records every op of every time step.
 * That makes it the shortest way to write a cell, and a slow one: a layer of {@linkcode defineCell} is one entry on the tape. The
 * same function is the oracle for such a cell in `checkCell` of `@unfold/layers/testing`.
 *
 * The layer runs over whole sequences with padding, or one step at a time. Stack layers with `Sequential`.
 *
 * @param step One time step.
 * @throws {RangeError} If a size is not a positive integer.
 * @throws {TypeError} If there are no states. When it runs, if the step does not return all states in their shape.
 *
 * @example s ← tanh(x·U + s·W + b)
 * ```ts
 * import { add, matmul, Parameter, Random, sum, tanh, zeros } from "@unfold/core";
 * import { glorotUniform, orthogonal, recurrentFrom } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(1);
 * const U = new Parameter([3, 4], glorotUniform(random));
 * const W = new Parameter([4, 4], orthogonal(random));
 * const b = new Parameter([4]);
 * const rnn = recurrentFrom(
 *   (x, { hidden }) => ({ hidden: tanh(add(add(matmul(x, U), matmul(hidden, W)), b)) }),
 *   { inputSize: 3, hiddenSize: 4, parameters: { U, W, b } },
 * );
 * const { output } = rnn.run(zeros([2, 5, 3]), { lengths: [5, 3] });
 * sum(output).backward();
 * assert.deepEqual(output.shape, [2, 5, 4]);
 * ```
 */
export function recurrentFrom<Name extends string = "hidden", Weights extends NamedParameters = NamedParameters>(
  step: ComposedStep<Name, Weights>,
  options: RecurrentFromOptions<Name, Weights>,
): RecurrentLayer<NamedStates<Name>> {
  const { inputSize, hiddenSize, states = ["hidden" as Name], parameters = {} as Weights } = options;
  checkCounts("make a recurrent layer", { inputSize, hiddenSize });
  if (states.length === 0) {
    throw new TypeError("Cannot make a recurrent layer: states must name at least one, the output, got none");
  }
  const initialState = (batch: number) =>
    Object.fromEntries(states.map((name) => [name, zeros([batch, hiddenSize])])) as NamedStates<Name>;
  const run = (x: Tensor, { state, lengths }: RunOptions<NamedStates<Name>> = {}) => {
    checkShape("run the layer", "x", x, { batch: undefined, time: undefined, inputSize });
    const [batch, time] = x.shape as [number, number, number];
    if (lengths !== undefined) checkLengths("run the layer", lengths, { batch, time, least: 0 });
    const first = state ?? initialState(batch);
    checkState("run the layer", "state", first, states, [batch, hiddenSize]);
    return composedRun((x, state) => step(x, state, parameters), x, first, { states, lengths, reverse: false });
  };
  return {
    inputSize,
    hiddenSize,
    outputSize: hiddenSize,
    parameters: () => parameters,
    forward: (x, options) => run(x as Tensor, options).output,
    run,
    step(x, state) {
      checkShape("step the layer", "x", x, { batch: undefined, inputSize });
      const batch = x.shape[0]!;
      const { output, state: after } = run(reshape(x, [batch, 1, inputSize]), { state });
      return { output: reshape(output, [batch, hiddenSize]), state: after };
    },
    initialState,
  };
}

/** Throws unless a state has all its tensors in the right shape. */
function checkState(
  doing: string,
  what: string,
  state: RecurrentState,
  names: readonly string[],
  [batch, hiddenSize]: readonly [number, number],
): void {
  for (const name of names) {
    const given = state?.[name];
    if (given === undefined) {
      const got = state === undefined ? "nothing" : Object.keys(state).join(", ") || describe(state);
      throw new TypeError(`Cannot ${doing}: ${what} must have ${name}, got ${got}`);
    }
    checkShape(doing, `${what}.${name}`, given, { batch, hiddenSize });
  }
}

/** Runs a step composed of ops over all time steps, in either direction. */
export function composedRun<Name extends string>(
  step: (x: Tensor, state: NamedStates<Name>) => NamedStates<Name>,
  x: Tensor,
  first: NamedStates<Name>,
  { states, lengths, reverse }: {
    readonly states: readonly Name[];
    readonly lengths: readonly number[] | undefined;
    readonly reverse: boolean;
  },
): RecurrentResult<NamedStates<Name>> {
  const [batch, time, inputSize] = x.shape as [number, number, number];
  const hiddenSize = first[states[0]!].shape[1]!;
  const ends = lengths && tensor([...lengths], { shape: [batch, 1] });
  const outputs: Tensor[] = [];
  let state = first;
  for (let i = 0; i < time; i++) {
    const t = reverse ? time - 1 - i : i;
    const isValid = ends && less(tensor(t), ends);
    const valid = (value: Tensor, other: Tensor) => isValid === undefined ? value : where(isValid, value, other);
    const now = reshape(slice(x, { axis: 1, start: t, end: t + 1 }), [batch, inputSize]);
    const next = step(valid(now, tensor(0)), state);
    checkState("run the layer", "the step's result", next, states, [batch, hiddenSize]);
    state = Object.fromEntries(states.map((name) => [name, valid(next[name], state[name])])) as NamedStates<Name>;
    outputs[t] = reshape(valid(state[states[0]!], tensor(0)), [batch, 1, hiddenSize]);
  }
  const output = time === 0 ? zeros([batch, 0, hiddenSize]) : concat(outputs, { axis: 1 });
  return { output, state };
}
