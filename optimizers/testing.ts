/**
 * The conformance suite for plugins, as one line of a test.
 *
 * @example
 * ```ts
 * import { adam } from "@unfold/optimizers";
 * import { checkPlugin } from "@unfold/optimizers/testing";
 *
 * Deno.test("adam conforms", () => checkPlugin(() => adam(), { learningRate: 0.01 }));
 * ```
 *
 * @module
 */

import { memoryStats, type NamedParameters, Parameter, Random } from "@unfold/core";
import assert from "node:assert/strict";
import process from "node:process";
import { Optimizer } from "./optimizer.ts";
import { Partition } from "./partition.ts";
import type { OptimizerPlugin } from "./plugin.ts";
import { cosineDecay } from "./schedules.ts";

/** The steps in which a problem must be solved. */
const STEPS = 10_000;
/** The fraction of the loss that may remain. */
const LEFT = 1e-3;
/** The number of parameters when measuring allocation. */
const MANY = 1_000_000;

/** Options for {@linkcode checkPlugin}. */
export interface PluginCheck {
  /**
   * The initial learning rate for both problems; it falls to 0 along half a cosine.
   *
   * @default {0.01}
   */
  learningRate?: number;
}

/** Makes a new plugin or, for a gradient transform, a list of it and a rule. */
export type PluginMaker = () => OptimizerPlugin | readonly OptimizerPlugin[];

/**
 * Runs the whole suite on a plugin. The plugin must
 *
 * 1. reduce the loss of a convex problem and of Rosenbrock's valley to a thousandth in 10,000 steps;
 * 2. give the same result, bit for bit, when run again;
 * 3. resume from a state saved in the middle of a run with the same result, bit for bit;
 * 4. not change the parameters and gradients of other groups, nor the segments;
 * 5. allocate nothing proportional to the parameters after the first step.
 *
 * @param make Makes the plugin.
 * @throws {Error} If a check fails. The message names it.
 */
export function checkPlugin(make: PluginMaker, options: PluginCheck = {}): void {
  const { learningRate = 0.01 } = options;
  checkConvergence(make, learningRate);
  checkDeterminism(make, learningRate);
  checkState(make, learningRate);
  checkNeighbours(make, learningRate);
  checkAllocation(make, learningRate);
}

function listOf(make: PluginMaker): readonly OptimizerPlugin[] {
  const made = make();
  return Array.isArray(made) ? made : [made as OptimizerPlugin];
}

/** A problem with a loss that writes its gradient. */
interface Problem {
  readonly name: string;
  readonly start: readonly number[];
  loss(p: Float32Array, gradient: Float32Array): number;
}

const PROBLEMS: readonly Problem[] = [
  {
    name: "a convex problem",
    start: new Array(12).fill(0),
    loss(p, gradient) {
      let loss = 0;
      for (let i = 0; i < p.length; i++) {
        const [curvature, distance] = [1 + i, p[i]! - (i % 2 === 0 ? 1 : -2)];
        loss += curvature * distance * distance / 2;
        gradient[i] = curvature * distance;
      }
      return loss;
    },
  },
  {
    name: "Rosenbrock's valley",
    start: [-1, 2],
    loss(p, gradient) {
      const [x, y] = p as unknown as [number, number];
      const off = y - x * x;
      gradient[0] = -2 * (1 - x) - 400 * x * off;
      gradient[1] = 200 * off;
      return (1 - x) ** 2 + 100 * off * off;
    },
  },
];

function checkConvergence(make: PluginMaker, learningRate: number): void {
  for (const { name, start, loss } of PROBLEMS) {
    const weight = new Parameter([start.length], (data) => data.set(start));
    const optimizer = new Optimizer({ weight }, listOf(make), { learningRate: cosineDecay(learningRate, STEPS) });
    let [first, last] = [NaN, NaN];
    for (let step = 0; step < STEPS; step++) {
      last = loss(weight.data, weight.grad.data);
      if (step === 0) first = last;
      optimizer.step();
    }
    assert.ok(last <= LEFT * first, `it must solve ${name}: the loss went from ${first} to ${last} in ${STEPS} steps`);
  }
}

/** An optimizer of two parameters, whose gradients depend only on the number of the step. */
function setUp(make: PluginMaker, learningRate: number) {
  const random = new Random(1);
  const draw = (data: Float32Array) => data.forEach((_, i) => data[i] = random.normal());
  const parameters: NamedParameters = { weight: new Parameter([7, 5], draw), bias: new Parameter([6], draw) };
  const optimizer = new Optimizer(parameters, listOf(make), { learningRate: cosineDecay(learningRate, 20) });
  const { slab } = parameters.weight!;
  return {
    optimizer,
    slab,
    steps(from: number, to: number) {
      for (let n = from; n <= to; n++) {
        const gradients = new Random(n);
        slab.grads.forEach((_, i, all) => all[i] = gradients.normal());
        optimizer.step();
      }
      return slab.params.slice();
    },
  };
}

function checkDeterminism(make: PluginMaker, learningRate: number): void {
  const run = () => setUp(make, learningRate).steps(1, 12);
  const first = withChance(0, run);
  // As far from the first draws as can be, so that rounding cannot hide what they change.
  const second = withChance(1, run);
  assert.deepEqual(second, first, "it must do the same when it does it again");
  for (let again = 0; again < 3; again++) assert.deepEqual(run(), first, "it must do the same when it does it again");
}

/** Calls `f` while unseeded random numbers and clocks give their least (0) or greatest (1) value. */
function withChance<T>(chance: 0 | 1, f: () => T): T {
  const { random } = Math;
  const { now } = Date;
  const getRandomValues = crypto.getRandomValues;
  Math.random = () => chance * (1 - 2 ** -53);
  Date.now = () => chance * 8.64e15;
  crypto.getRandomValues = (array) => {
    const { buffer, byteOffset, byteLength } = array as unknown as Uint8Array<ArrayBuffer>;
    new Uint8Array(buffer, byteOffset, byteLength).fill(255 * chance);
    return array;
  };
  try {
    return f();
  } finally {
    Math.random = random;
    Date.now = now;
    crypto.getRandomValues = getRandomValues;
  }
}

function checkState(make: PluginMaker, learningRate: number): void {
  const whole = setUp(make, learningRate).steps(1, 12);
  const first = setUp(make, learningRate);
  const middle = first.steps(1, 7);
  const second = setUp(make, learningRate);
  second.slab.params.set(middle);
  second.optimizer.load(first.optimizer.state());
  assert.deepEqual(second.steps(8, 12), whole, "it must resume bit for bit from a state saved in the middle of a run");
}

function checkNeighbours(make: PluginMaker, learningRate: number): void {
  const random = new Random(2);
  const draw = (data: Float32Array) => data.forEach((_, i) => data[i] = random.normal());
  const [before, own, after] = [5, 10, 6].map((size) => new Parameter([size], draw)) as [
    Parameter,
    Parameter,
    Parameter,
  ];
  const groups = new Partition({
    before: { before },
    own: { own, second: new Parameter([3], draw) },
    after: { after },
  });
  const others = () => [before, after].flatMap(({ data, grad }) => [...data, ...grad.data]);
  const seen: { others: number[]; segments: string }[] = [];
  const look = (name: string): OptimizerPlugin => ({
    name,
    update: ({ segments }) => void seen.push({ others: others(), segments: JSON.stringify(segments) }),
  });
  // Plugins that drop whole steps act on all parameters.
  const made = listOf(make);
  const grouped = [look("look before"), ...made.filter((plugin) => !plugin.skipsNonFinite), look("look after")];
  const plugins = [...made.filter((plugin) => plugin.skipsNonFinite), ...grouped.map((own) => ({ own }))];
  const optimizer = new Optimizer(groups, plugins, { learningRate });
  for (let step = 0; step < 6; step++) {
    own.slab.grads.forEach((_, i, all) => all[i] = random.normal());
    optimizer.step();
    const [was, is] = seen.splice(0) as [typeof seen[0], typeof seen[0]];
    assert.deepEqual(is.others, was.others, "it must not change the parameters and gradients of other groups");
    assert.equal(is.segments, was.segments, "it must not change the segments");
  }
}

function checkAllocation(make: PluginMaker, learningRate: number): void {
  const weight = new Parameter([MANY]);
  const optimizer = new Optimizer({ weight }, listOf(make), { learningRate });
  const used = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const step = () => {
    weight.grad.data.fill(0.5);
    optimizer.step();
  };
  for (let i = 0; i < 3; i++) step();
  const stats = memoryStats();
  // The median, since the collector runs at any time.
  const growth = Array.from({ length: 9 }, () => {
    const before = used();
    step();
    return used() - before;
  }).toSorted((a, b) => a - b)[4]!;
  assert.deepEqual(memoryStats(), stats, "it must allocate no tensors after the first step");
  assert.ok(growth < MANY / 2, `it must allocate nothing proportional to the parameters: ${growth} bytes for ${MANY}`);
}
