import {
  decodeSafetensors,
  encodeSafetensors,
  full,
  loadParameters,
  memoryStats,
  multiply,
  packParameters,
  Parameter,
  parametersOf,
  reshape,
  type SafetensorsInput,
  scope,
  sum,
  tensor,
  uninitialized,
} from "@unfold/core";
import assert from "node:assert/strict";

Deno.test("packing keeps values and gradients, and the parameters write into the slab", () => {
  using _ = scope();
  const a = new Parameter([2, 2], (data) => data.set([1, 2, 3, 4]));
  const b = new Parameter([3], (data) => data.fill(5));
  sum(multiply(a, a)).backward();
  const { slab, segments } = packParameters({ a, b });
  assert.deepEqual([...slab.params], [1, 2, 3, 4, 5, 5, 5]);
  assert.deepEqual([...slab.grads], [2, 4, 6, 8, 0, 0, 0]);
  assert.deepEqual(segments, [{ name: "a", shape: [2, 2], offset: 0 }, { name: "b", shape: [3], offset: 4 }]);
  sum(multiply(b, tensor([1, 2, 3]))).backward();
  assert.deepEqual([...slab.grads.subarray(4)], [1, 2, 3]);
  b.data[0] = 9;
  assert.equal(slab.params[4], 9);
});

Deno.test("packing again in the same order changes nothing; another order makes a new slab", () => {
  const [a, b] = [new Parameter([1]), new Parameter([2])];
  const { slab } = packParameters({ a, b });
  assert.equal(packParameters({ a, b }).slab, slab);
  assert.notEqual(packParameters({ b, a }).slab, slab);
});

Deno.test("packing no parameters is refused; one with two names has one place", () => {
  const a = new Parameter([1]);
  assert.throws(() => packParameters({}), RangeError);
  const { slab, segments } = packParameters({ a, b: new Parameter([2]), tied: a });
  assert.equal(slab.length, 3);
  assert.deepEqual(segments.map(({ name, offset }) => [name, offset]), [["a", 0], ["b", 1]]);
});

Deno.test("loading lists every problem and then changes nothing", () => {
  const [a, b] = [new Parameter([2]), new Parameter([1])];
  const entry = (shape: number[], dtype: "F32" | "I32" = "F32") => ({
    dtype,
    shape,
    data: new Float32Array(shape[0]!).fill(1),
  });
  assert.throws(() => loadParameters({ a, b }, new Map([["a", entry([3])], ["c", entry([1])]])), {
    name: "TypeError",
    message:
      "Cannot load the parameters: a must have shape [2], got [3]; b is missing; c is not a parameter of the model",
  });
  assert.throws(
    () => loadParameters({ b }, new Map([["b", entry([1], "I32")]])),
    /b must be F32, F16, BF16 or F64, got I32/,
  );
  assert.deepEqual([...a.data, ...b.data], [0, 0, 0]);
});

Deno.test("disposing a parameter, its gradient or a view does nothing: the memory belongs to the slab", () => {
  const a = new Parameter([1], (data) => data.fill(4));
  packParameters({ a, b: new Parameter([2]) });
  a.dispose();
  a.grad.dispose();
  reshape(a, [1, 1]).dispose();
  const other = full([4], 123, { persistent: true });
  assert.equal(a.item(), 4);
  other.dispose();
});

Deno.test("a slab without its parameters cannot be read", () => {
  const a = new Parameter([1]);
  const { slab } = a;
  packParameters({ a, b: new Parameter([2]) });
  assert.throws(() => slab.params, { name: "ReferenceError", message: /its parameters have moved to another slab/ });
});

Deno.test("an initializer that makes tensors, which may move the memory, is refused", () => {
  const huge = () => void full([memoryStats().total / 4], 0, { persistent: true }).dispose();
  assert.throws(
    () => new Parameter([3], huge),
    /Cannot initialize a parameter of shape \[3\]: the initializer must not make tensors/,
  );
});

Deno.test("parameters with several names need values under one of them, and the same under all", () => {
  const tied = new Parameter([2]);
  const entry = (...values: number[]) => ({ shape: [2], data: Float32Array.from(values) });
  const report = loadParameters({ a: tied, b: tied }, new Map([["b", entry(1, 2)]]));
  assert.deepEqual([tied.toArray(), report.loaded], [[1, 2], ["b"]]);
  assert.throws(() => loadParameters({ a: tied, b: tied }, new Map([["a", entry(1, 2)], ["b", entry(1, 3)]])), {
    message: "Cannot load the parameters: a and b are one parameter and must have the same values",
  });
});

Deno.test("with strict: false, what does not fit is skipped and reported", () => {
  const [a, b, c] = [new Parameter([2]), new Parameter([1]), new Parameter([1])];
  const tensors = new Map<string, SafetensorsInput>([
    ["a", { shape: [2], data: Float32Array.of(1, 2) }],
    ["b", { shape: [2], data: Float32Array.of(3, 4) }],
    ["d", { shape: [1], data: Float32Array.of(5) }],
  ]);
  assert.throws(() => loadParameters({ a, b, c }, tensors), TypeError);
  assert.deepEqual(a.toArray(), [0, 0]);
  assert.deepEqual(loadParameters({ a, b, c }, tensors, { strict: false }), {
    loaded: ["a"],
    converted: {},
    skipped: ["b must have shape [1], got [2]", "c is missing", "d is not a parameter of the model"],
  });
  assert.deepEqual([a.toArray(), b.item(), c.item()], [[1, 2], 0, 0]);
  assert.throws(() => loadParameters({ c }, tensors, { strict: false }), {
    name: "TypeError",
    message: /^Cannot load the parameters: nothing fits: c is missing; a is not a parameter/,
  });
});

Deno.test("F16, BF16 and F64 are converted, and the report says so", () => {
  const parameters = {
    half: new Parameter([2]),
    brain: new Parameter([2]),
    double: new Parameter([2]),
    plain: new Parameter([1]),
  };
  const file = encodeSafetensors([
    ["half", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3e00, 0xc000) }],
    ["brain", { dtype: "BF16", shape: [2], data: Uint16Array.of(0x3fc0, 0xc000) }],
    ["double", { shape: [2], data: Float64Array.of(1.5, 1e-300) }],
    ["plain", { shape: [1], data: Float32Array.of(7) }],
  ]);
  const report = loadParameters(parameters, decodeSafetensors(file).tensors);
  assert.deepEqual(report, {
    loaded: ["half", "brain", "double", "plain"],
    converted: { half: "F16", brain: "BF16", double: "F64" },
    skipped: [],
  });
  assert.deepEqual(Object.values(parameters).map((p) => p.toArray()), [[1.5, -2], [1.5, -2], [1.5, 0], [7]]);
});

Deno.test("loading is all or nothing, also for values that no 32-bit float holds", () => {
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const tensors = new Map<string, SafetensorsInput>([
    ["a", { shape: [1], data: Float32Array.of(1) }],
    ["b", { shape: [1], data: Float64Array.of(1e39) }],
  ]);
  assert.throws(() => loadParameters({ a, b }, tensors), {
    name: "TypeError",
    message: "Cannot load the parameters: b must hold values that fit 32-bit floats, got 1e+39",
  });
  assert.deepEqual([a.item(), b.item()], [0, 0]);
  const short = new Map([["a", { shape: [1], data: Float32Array.of(1, 2) }]]);
  assert.throws(() => loadParameters({ a }, short), { message: /a must have 1 values, got 2$/ });
});

Deno.test("parametersOf joins names, lists a shared parameter once and refuses other values", () => {
  const shared = new Parameter([1]);
  const part = (parameters: Record<string, Parameter>) => ({ parameters: () => parameters });
  const encoder = part({ "0.weight": new Parameter([2]), table: shared });
  const named = parametersOf({ encoder, decoder: part({ table: shared, bias: new Parameter([1]) }), scale: shared });
  assert.deepEqual(Object.keys(named), ["encoder.0.weight", "encoder.table", "decoder.bias"]);
  assert.throws(() => parametersOf({ encoder, rate: 3 as never }), {
    name: "TypeError",
    message: "Cannot list the parameters: rate must be a Parameter, or have parameters() as layers do, got 3",
  });
});

Deno.test("a model or other values instead of parameters are refused", () => {
  const weight = new Parameter([1]);
  const model = { parameters: () => ({ weight }) };
  for (const f of [() => packParameters(model as never), () => loadParameters(model as never, new Map())]) {
    assert.throws(f, {
      name: "TypeError",
      message: /: parameters must be Parameters by name, .* got a model \(an object\); pass its parameters\(\)$/,
    });
  }
  assert.throws(() => new Parameter([2.5, 2]), RangeError);
  assert.throws(() => new Parameter([-1]), RangeError);
});

Deno.test("building without initial weights refuses an asynchronous function", () => {
  assert.throws(() => uninitialized(async () => new Parameter([await 1])), {
    name: "TypeError",
    message: /must not be asynchronous or a generator, got one that returns a promise; await first/,
  });
  const seen: string[] = [];
  new Parameter([1], () => void seen.push("initialized"));
  assert.deepEqual(seen, ["initialized"]);
});
