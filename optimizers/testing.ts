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

/** Makes a new rule, or a list with one rule and the plugin to check, which runs before or after it. */
export type PluginMaker = () => OptimizerPlugin | readonly OptimizerPlugin[];

/**
 * Runs the whole suite on a plugin. The plugin must
 *
 * 1. reduce the loss of a convex problem and of Rosenbrock's valley to a thousandth in 10,000 steps;
 * 2. give the same result, bit for bit, when run again;
 * 3. resume from a state saved in the middle of a run with the same result, bit for bit;
 * 4. not change the parameters and gradients of other groups, nor the segments;
 * 5. not change the parameters if it runs before the rule;
 * 6. allocate nothing proportional to the parameters after the first step.
 *
 * @param make Makes the plugin.
 * @throws {Error} If a check fails. The message names it and shows the difference.
 * @throws {TypeError} If there is no rule, more than one, or a plugin on the wrong side of it.
 */
export function checkPlugin(make: PluginMaker, options: PluginCheck = {}): void {
  const { learningRate = 0.01 } = options;
  checkConvergence(make, learningRate);
  checkDeterminism(make, learningRate);
  checkState(make, learningRate);
  checkNeighbours(make, learningRate);
  checkBefore(make, learningRate);
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
  const claim = "it must do the same when it does it again";
  checkSame(claim, second, first);
  for (let again = 0; again < 3; again++) checkSame(claim, run(), first);
}

/** Throws unless two arrays are the same, bit for bit. The message shows the first difference and counts the others. */
function checkSame(claim: string, actual: ArrayLike<number>, expected: ArrayLike<number>, of = "parameter"): void {
  const all = Array.from(expected);
  const different = all.map((_, i) => i).filter((i) => !Object.is(actual[i], expected[i]));
  const [first] = different;
  if (first === undefined) return;
  const where = `${different.length} of ${all.length} values differ, the first at ${of} ${first}`;
  assert.fail(`${claim}, but ${where}: ${actual[first]} instead of ${expected[first]}`);
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
  const claim = "it must resume bit for bit from a state saved in the middle of a run";
  checkSame(claim, second.steps(8, 12), whole);
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
  const look = (runs: "before" | "after"): OptimizerPlugin => ({
    name: `look ${runs}`,
    runs,
    update: ({ segments }) => void seen.push({ others: others(), segments: JSON.stringify(segments) }),
  });
  const made = listOf(make);
  // Plugins that drop whole steps act on all parameters; a rule that does so has no neighbours.
  const grouped = made.filter((plugin) => !plugin.skipsNonFinite);
  if (!grouped.some(({ runs }) => runs === undefined)) return;
  // Without a rule the other groups would be frozen, with gradients of 0, in which changes may not show.
  const idle: OptimizerPlugin = { name: "idle", update: () => {} };
  const plugins = [
    ...made.filter((plugin) => plugin.skipsNonFinite),
    { before: idle, after: idle },
    ...[look("before"), ...grouped, look("after")].map((own) => ({ own })),
  ];
  const optimizer = new Optimizer(groups, plugins, { learningRate });
  for (let step = 0; step < 6; step++) {
    own.slab.grads.forEach((_, i, all) => all[i] = random.normal());
    optimizer.step();
    const [was, is] = seen.splice(0) as [typeof seen[0], typeof seen[0]];
    checkSame("it must not change the parameters and gradients of other groups", is.others, was.others, "element");
    assert.equal(is.segments, was.segments, `it must not change the segments: ${was.segments} became ${is.segments}`);
  }
}

function checkBefore(make: PluginMaker, learningRate: number): void {
  for (const plugin of listOf(make).filter(({ runs }) => runs === "before")) {
    const weight = new Parameter([4], (data) => data.set([1, -2, 3, -4]));
    const still: OptimizerPlugin = { name: "still", update: () => {} };
    const optimizer = new Optimizer({ weight }, [plugin, still], { learningRate });
    weight.grad.data.set([30, -40, 0.5, 0]);
    optimizer.step();
    checkSame(`${plugin.name} runs before the rule, so it must not change the parameters`, weight.data, [1, -2, 3, -4]);
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
