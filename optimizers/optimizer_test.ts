import { full, memoryStats, multiply, packParameters, Parameter, scope, sum, tensor } from "@unfold/core";
import { adam, clipByGlobalNorm, Optimizer, type OptimizerPlugin, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";

Deno.test("plugins run in order with the step and rate, and the gradients are zero afterwards", () => {
  const seen: unknown[] = [];
  const spy = (name: string): OptimizerPlugin => ({
    name,
    update: ({ params, grads, segments }, info) => {
      seen.push([name, info.step, info.learningRate, params.length, [...grads], segments.map((s) => s.name)]);
      grads.fill(7);
    },
  });
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const optimizer = new Optimizer({ a, b }, [spy("first"), spy("second")], { learningRate: (step) => step / 10 });
  a.grad.data.fill(1);
  optimizer.step();
  assert.deepEqual(seen, [["first", 1, 0.1, 2, [1, 0], ["a", "b"]], ["second", 1, 0.1, 2, [7, 7], ["a", "b"]]]);
  assert.deepEqual([...a.grad.data, ...b.grad.data], [0, 0]);
  optimizer.step();
  assert.equal(optimizer.learningRate, 0.2);
});

Deno.test("requesting slots keeps the plugin's arrays valid", () => {
  const weight = new Parameter([100_000]);
  const lazy: OptimizerPlugin = {
    name: "lazy",
    update({ params, grads, slot }) {
      const slots = ["a", "b", "c", "d", "e"].map(slot);
      assert.ok(params.length === 100_000 && grads.length === 100_000);
      assert.ok(slots.every((array) => array.length === 100_000));
    },
  };
  new Optimizer({ weight }, [lazy], { learningRate: 1 }).step();
});

Deno.test("a plugin that grows the memory in update() is refused", () => {
  const huge: OptimizerPlugin = {
    name: "huge",
    update: () => full([memoryStats().total / 4], 0, { persistent: true }).dispose(),
  };
  const other = new Optimizer({ weight: new Parameter([1]) }, [huge], { learningRate: 1 });
  assert.throws(() => other.step(), /huge must not grow the memory in update\(\)/);
  assert.equal(other.steps, 0);
});

Deno.test("an optimizer refuses to step after another one took its parameters", () => {
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const first = new Optimizer({ a, b }, [sgd()], { learningRate: 1 });
  new Optimizer({ a, b }, [sgd()], { learningRate: 1 });
  first.step();
  new Optimizer({ b }, [sgd()], { learningRate: 1 });
  assert.throws(() => first.step(), {
    name: "ReferenceError",
    message: /^Cannot step: b now belongs to a later optimizer/,
  });
});

Deno.test("bad options are refused at construction", () => {
  const weight = new Parameter([1]);
  const make = (plugins: readonly unknown[], options: object = {}) => () =>
    new Optimizer({ weight }, plugins as OptimizerPlugin[], { learningRate: 1, ...options });
  const kind = (message: string) => ({ name: "TypeError", message: `Cannot make an Optimizer: ${message}` });
  assert.throws(make([]), kind("there must be at least one plugin, got none"));
  assert.throws(make([adam(), adam()]), kind('plugins must have different names, got "adam" twice'));
  assert.throws(
    make([adam]),
    kind("plugins[0] must be a plugin, with a name and update(), got the function adam; perhaps call it"),
  );
  assert.throws(make([sgd(), null]), kind("plugins[1] must be a plugin, with a name and update(), got null"));
  assert.throws(
    make([{ name: "a.b", update() {} }]),
    kind('plugins[0] must have a name without "." and "/", got "a.b"'),
  );
  assert.throws(
    make([{ biases: sgd() }]),
    kind("plugins[0] must be a plugin, or plugins by group (there are none), got biases"),
  );
  assert.throws(make([{}]), kind("plugins[0] must be a plugin, or plugins by group, got an empty object"));
  for (const name of [1, "a/b", ""]) {
    assert.throws(make([{ name, update() {} }]), /must have a name without "." and "\/"/);
  }
  const late = kind("plugins[1] drops whole steps, so it must be first and act on all parameters");
  assert.throws(make([sgd(), skipNonFinite()]), late);
  for (const learningRate of [NaN, -1, Infinity, null, "0.1", true]) {
    assert.throws(make([sgd()], { learningRate }), /finite number of 0 or more, got/);
  }
  for (const accumulate of [0, 1.5]) {
    assert.throws(make([sgd()], { accumulate }), {
      name: "RangeError",
      message: `Cannot make an Optimizer: accumulate must be an integer of 1 or more, got ${accumulate}`,
    });
  }
});

Deno.test("10,000 steps use constant memory", () => {
  const weight = new Parameter([50]);
  packParameters({ weight });
  const optimizer = new Optimizer({ weight }, [clipByGlobalNorm(1), adam()], { learningRate: 1e-3 });
  const target = tensor(new Float32Array(50).fill(1));
  const step = () => {
    using _ = scope();
    sum(multiply(weight, target)).backward();
    optimizer.step();
  };
  for (let i = 0; i < 100; i++) step();
  const before = memoryStats();
  for (let i = 0; i < 10_000; i++) step();
  assert.deepEqual(memoryStats(), before);
});

Deno.test("six slots fit for parameters of any size", () => {
  const six: OptimizerPlugin = { name: "six", update: ({ slot }) => void ["a", "b", "c", "d", "e", "f"].forEach(slot) };
  for (let i = 0; i < 50; i++) new Optimizer({ weight: new Parameter([1]) }, [six], { learningRate: 1 }).step();
});

Deno.test("with accumulate: k, a step uses the mean of k gradients", () => {
  const weight = new Parameter([2]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1, accumulate: 4 });
  for (const gradient of [1, 2, 3, 6]) {
    assert.deepEqual([weight.data[0], optimizer.steps], [0, 0]);
    // Adds, as backward() does.
    weight.grad.data.forEach((value, i, all) => all[i] = value + gradient);
    optimizer.step();
  }
  assert.deepEqual([[...weight.data], [...weight.grad.data], optimizer.steps], [[-3, -3], [0, 0], 1]);
});

Deno.test("learningRateScale multiplies the schedule's rate", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: (step) => step });
  optimizer.learningRateScale = 0.5;
  weight.grad.data.fill(1);
  optimizer.step();
  assert.deepEqual([weight.item(), optimizer.learningRate], [-0.5, 0.5]);
  for (const scale of [NaN, -1, Infinity]) {
    assert.throws(() => optimizer.learningRateScale = scale, {
      name: "RangeError",
      message: `Cannot scale the learning rate: learningRateScale must be a finite number of 0 or more, got ${scale}`,
    });
  }
});

Deno.test("zeroGrad drops gradients and accumulated backward passes", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1, accumulate: 2 });
  weight.grad.data.fill(100);
  optimizer.step();
  optimizer.zeroGrad();
  for (let i = 0; i < 2; i++) {
    weight.grad.data[0]! += 1;
    optimizer.step();
  }
  assert.deepEqual([weight.item(), optimizer.steps], [-1, 1]);
});
