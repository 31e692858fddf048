import { Parameter } from "@unfold/core";
import { ema, lookahead, Optimizer, type OptimizerPlugin, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";

Deno.test("lookahead goes back part of the way after every k steps", () => {
  const weight = new Parameter([1], (data) => data.fill(10));
  const optimizer = new Optimizer({ weight }, [lookahead(sgd(), { every: 3, alpha: 0.25 })], { learningRate: 1 });
  const seen = Array.from({ length: 6 }, () => {
    weight.grad.data.fill(-4);
    optimizer.step();
    return weight.item();
  });
  assert.deepEqual(seen, [14, 18, 13, 17, 21, 16]);
});

Deno.test("lookahead does not count steps its rule drops, and refuses a rule that is not a plugin", () => {
  const weight = new Parameter([1], (data) => data.fill(4));
  const lazy: OptimizerPlugin = {
    name: "lazy",
    update: ({ params }, { skip }) => void (params[0]! > 4 ? skip() : params[0]! += 1),
  };
  const optimizer = new Optimizer({ weight }, [lookahead(lazy, { every: 1, alpha: 1 })], { learningRate: 1 });
  optimizer.step();
  optimizer.step();
  assert.deepEqual([weight.item(), optimizer.steps, optimizer.skippedSteps], [5, 1, 1]);
  assert.throws(() => lookahead(sgd as never), {
    name: "TypeError",
    message: "Cannot make lookahead: rule must be a plugin, such as adam(), got the function sgd",
  });
  assert.throws(() => lookahead(skipNonFinite()), {
    message: "Cannot make lookahead: rule must be a rule, such as adam(), got skipNonFinite, which runs before a rule",
  });
  assert.ok(lookahead({ ...sgd(), skipsNonFinite: true }).skipsNonFinite);
});

Deno.test("swap exchanges parameters and averages; meanwhile other calls are refused", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd(), ema({ decay: 0.75 })], { learningRate: 1 });
  assert.throws(() => optimizer.swap("ema", "average"), {
    name: "ReferenceError",
    message: "Cannot swap: plugin ema must have a slot average, which exists after the first step",
  });
  for (let i = 0; i < 3; i++) {
    weight.grad.data.fill(-4);
    optimizer.step();
  }
  const swapped = optimizer.swap("ema", "average");
  assert.equal(weight.item(), 6.75);
  for (const forbidden of [() => optimizer.step(), () => optimizer.state(), () => optimizer.swap("ema", "average")]) {
    assert.throws(forbidden, { name: "ReferenceError", message: /ema.average is swapped in for the parameters/ });
  }
  swapped[Symbol.dispose]();
  swapped[Symbol.dispose]();
  assert.equal(weight.item(), 12);
  optimizer.step();
});

Deno.test("disposing an ended swap again does not end a later one", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd(), ema({ decay: 0.5 })], { learningRate: 1 });
  for (let i = 0; i < 2; i++) {
    weight.grad.data.fill(-1);
    optimizer.step();
  }
  const first = optimizer.swap("ema", "average");
  first[Symbol.dispose]();
  using _ = optimizer.swap("ema", "average");
  first[Symbol.dispose]();
  assert.equal(weight.item(), 1.5);
});
