import { clipByGlobalNorm, type OptimizerPlugin, type ParameterGroup, sgd, type UpdateInfo } from "@unfold/optimizers";
import { checkPlugin } from "@unfold/optimizers/testing";
import assert from "node:assert/strict";

/** Gradient descent with a side effect. */
function descent(besides: (group: ParameterGroup, info: UpdateInfo) => void): OptimizerPlugin {
  return {
    name: "descent",
    update(group, info) {
      const { params, grads } = group;
      for (let i = 0; i < params.length; i++) params[i]! -= info.learningRate * grads[i]!;
      besides(group, info);
    },
  };
}

/** Descent with momentum that is not in a slot. */
function forgetful(): OptimizerPlugin {
  let velocity = new Float32Array();
  return {
    name: "forgetful",
    update({ params, grads }, { learningRate, step }) {
      if (step === 1) velocity = new Float32Array(params.length);
      for (let i = 0; i < velocity.length; i++) {
        velocity[i] = 0.5 * velocity[i]! + grads[i]!;
        params[i]! -= learningRate * velocity[i]!;
      }
    },
  };
}

const faults: Record<string, [make: () => OptimizerPlugin, message: RegExp]> = {
  "changes nothing": [() => ({ name: "still", update: () => {} }), /^it must solve a convex problem/],
  "draws numbers": [() => descent(({ params }) => params[0]! *= 1 + 1e-6 * Math.random()), /do the same when it does/],
  "keeps state outside its slots": [forgetful, /resume bit for bit/],
  "writes past its group": [
    () =>
      descent(({ params }) => new Float32Array(params.buffer, params.byteOffset, params.length + 1)[params.length] = 1),
    /not change the parameters and gradients of other groups/,
  ],
  "moves a segment": [
    () => descent(({ segments }) => void ((segments[0] as { offset: number }).offset += 0.1)),
    /not change the segments/,
  ],
  "copies the gradients": [() => descent(({ grads }) => void grads.slice()), /proportional/],
};

Deno.test("the message shows the difference", () => {
  assert.throws(() => checkPlugin(forgetful, { learningRate: 1e-3 }), {
    message: /, but \d+ of 41 values differ, the first at parameter \d+: -?[\d.]+ instead of -?[\d.]+$/,
  });
  const moves = () => descent(({ segments }) => void ((segments[0] as { offset: number }).offset += 0.5));
  assert.throws(() => checkPlugin(moves, { learningRate: 1e-3 }), {
    message: /not change the segments: .*"offset":0[,}].* became .*"offset":0\.5/,
  });
});

Deno.test("a list needs one rule, and each plugin on its side of it", () => {
  assert.throws(() => checkPlugin(() => clipByGlobalNorm(1)), /plugins must have a rule, such as adam\(\), got only/);
  assert.throws(() => checkPlugin(() => [sgd(), sgd()]), /there must be one rule, got sgd and sgd/);
  assert.throws(() => checkPlugin(() => [sgd(), clipByGlobalNorm(1)]), /must come before the rule sgd/);
});

Deno.test("a plugin that runs before the rule and changes the parameters does not conform", () => {
  const decay: OptimizerPlugin = {
    name: "decay",
    runs: "before",
    update: ({ params }) => params.forEach((_, i) => params[i]! *= 1 - 1e-6),
  };
  assert.throws(() => checkPlugin(() => [decay, sgd()], { learningRate: 1e-3 }), {
    message: /^decay runs before the rule, so it must not change the parameters, but 4 of 4 values differ/,
  });
});

for (const [name, [make, message]] of Object.entries(faults)) {
  Deno.test(`a plugin that ${name} does not conform`, () => {
    assert.throws(() => checkPlugin(make, { learningRate: 1e-3 }), { message });
  });
}

Deno.test("a plugin without these faults conforms", () => checkPlugin(() => descent(() => {}), { learningRate: 1e-3 }));
