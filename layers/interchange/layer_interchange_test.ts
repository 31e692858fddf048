import { add, matmul, multiply, noGrad, Parameter, Random, reshape, scope, type Tensor } from "@unfold/core";
import {
  CarriedState,
  defineCell,
  Dense,
  type ForwardOptions,
  GRU,
  Lambda,
  type Layer,
  LSTM,
  Recurrent,
  type RecurrentOptions,
  Sequential,
  summary,
} from "@unfold/layers";
import {
  fromKeras,
  fromPyTorch,
  type LayerInterchange,
  type OnnxGraph,
  type OnnxValue,
  recurrentNodes,
  toKeras,
  toOnnx,
  toPyTorch,
} from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { OnnxModel } from "../../tools/onnx.ts";
import { assertEqual, draw, forward, integers, stir } from "../../tools/testing.ts";

const random = new Random(1);

/** A custom layer with parameters: y = x·V·factor. */
class Scaled implements Layer {
  readonly factor = new Parameter([1], (data) => data.fill(2));
  readonly weight = new Parameter([3, 2], (data) => data.forEach((_, i) => data[i] = random.normal()));

  parameters = () => ({ factor: this.factor, weight: this.weight });

  forward(x: Tensor): Tensor {
    return multiply(matmul(x, this.weight), this.factor);
  }
}

/** Its entry. */
const scaled: LayerInterchange<Scaled> = {
  of: Scaled,
  input: () => ({ shape: ["batch", 3] }),
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["...", 3] });
    const product = graph.node("MatMul", [x, graph.parameter(layer.weight)], { shape: x.shape.with(-1, 2) });
    return graph.node("Mul", [product, graph.parameter(layer.factor)], { shape: product.shape });
  },
  pytorch: () => ({
    shapes: { scale: [], matrix: [3, 2] },
    read: ({ scale, matrix }) => ({ factor: scale!, weight: matrix! }),
    write: ({ factor, weight }) => ({ scale: factor!, matrix: weight! }),
  }),
  keras: () => "Keras has no such layer",
};

const model = new Sequential([new Scaled(), new Dense({ inputSize: 2, outputSize: 2, random })]);

Deno.test("a custom layer is exported through its entry, and rejected without one", async () => {
  const onnx = await OnnxModel.load(toOnnx(model, { layers: [scaled] }));
  const input = draw(random, [4, 3]);
  assertEqual((await onnx.run({ input })).output, forward(model, input), "output");
  assert.throws(() => toOnnx(model, { inputShape: ["batch", 3] }), {
    name: "TypeError",
    message:
      "Cannot export 0 Scaled: its class must have a LayerInterchange with an onnx hook; pass one in options.layers",
  });
});

Deno.test("a custom layer's weights are mapped through its entry, and rejected without one", () => {
  const layers = [scaled];
  const tensors = toPyTorch(model, { layers });
  assert.deepEqual([...tensors.keys()], ["0.scale", "0.matrix", "1.weight", "1.bias"]);
  assert.deepEqual(fromPyTorch(model, tensors, { layers }).get("0.weight")!.data, model.parameters()["0.weight"]!.data);
  assert.throws(
    () => toPyTorch(model),
    /0 Scaled must have a LayerInterchange with a pytorch hook; pass one in options\.layers$/,
  );
  assert.throws(() => toKeras(model, { layers }), /0 Scaled cannot be mapped: Keras has no such layer$/);
});

Deno.test("summary runs a custom layer without an entry", () => {
  assert.deepEqual(summary(model, [4, 3]).lines[0], { layer: "0 Scaled", output: [4, 2], parameters: 7 });
});

Deno.test("a custom entry takes precedence over a built-in one", async () => {
  const double: LayerInterchange<Dense> = {
    of: Dense,
    onnx: (_, x, graph) => graph.node("Add", [x, x], { shape: x.shape }),
  };
  const dense = new Dense({ inputSize: 2, outputSize: 2 });
  const onnx = await OnnxModel.load(toOnnx(dense, { layers: [double] }));
  const input = { shape: [1, 2], data: Float32Array.of(1, 2) };
  assert.deepEqual((await onnx.run({ input })).output!.data, Float32Array.of(2, 4));
});

/** The last state of both directions, as in a classifier. */
class FinalState implements Layer {
  readonly gru = new GRU({ inputSize: 3, hiddenSize: 4, bidirectional: true, random });
  parameters = () => this.gru.parameters();
  forward = (x: Tensor, options: ForwardOptions = {}) => this.gru.run(x, options).state.hidden;
}

Deno.test("an entry can use a recurrent layer's state, and its weights are those of the layer inside", async () => {
  const entry: LayerInterchange<FinalState> = {
    of: FinalState,
    inner: ({ gru }) => [["", gru]],
    onnx: ({ gru }, x, graph) => recurrentNodes(gru, { x, graph }).state.hidden!,
  };
  const layer = stir(new FinalState(), random);
  const onnx = await OnnxModel.load(toOnnx(layer, { lengths: true, layers: [entry] }));
  const [input, lengths] = [draw(random, [3, 5, 3]), [5, 2, 4]];
  const { output } = await onnx.run({ input, lengths: integers(...lengths) });
  assertEqual(output, forward(layer, input, { lengths }), "output");
  assert.equal(toPyTorch(layer, { modules: ["gru"], layers: [entry] }).size, 8);
  assert.equal(fromKeras(layer, toKeras(layer, { layers: [entry] }), { layers: [entry] }).size, 8);
});

Deno.test("a subclass of a built-in layer, or a layer with a custom cell, does not use a built-in entry", () => {
  class Twice extends LSTM {
    override forward(x: Tensor): Tensor {
      return add(super.forward(x), super.forward(x));
    }
  }
  const twice = new Twice({ inputSize: 1, hiddenSize: 1 });
  for (const options of [{}, { inputShape: ["batch", "time", 1] }]) {
    assert.throws(
      () => toOnnx(twice, options),
      /^TypeError: Cannot export Twice: its class must have a LayerInterchange/,
    );
    assert.throws(
      () => toOnnx(new Sequential([twice]), options),
      /: Cannot export 0 Twice: its class must have a LayerInterchange/,
    );
  }
  const nothing = { forward() {}, backward() {} };
  const cell = defineCell({ name: "Mine", gates: { only: "tanh" }, states: ["hidden"], ...nothing });
  class Mine extends Recurrent<{ hidden: Tensor }> {
    constructor(options: RecurrentOptions) {
      super(cell, options);
    }
  }
  const mine = new Mine({ inputSize: 1, hiddenSize: 1 });
  const entry: LayerInterchange<Mine> = {
    of: Mine,
    onnx: (layer, x, graph) => recurrentNodes(layer, { x, graph }).output,
  };
  assert.throws(
    () => toOnnx(mine, { inputShape: ["batch", "time", 1], layers: [entry] }),
    /^TypeError: Cannot export Mine: it must be a SimpleRNN, LSTM or GRU$/,
  );
});

/** A custom recurrent layer, as far as the export can tell. */
class Doubled extends LSTM {}

Deno.test("in a CarriedState a custom recurrent layer is exported through its entry, which can carry its state", async () => {
  const layer = new Doubled({ inputSize: 1, hiddenSize: 1 });
  const carried: boolean[] = [];
  const entry: LayerInterchange<Doubled> = {
    of: Doubled,
    input: () => ({ shape: ["batch", "time", 1] }),
    onnx(_, x, graph) {
      carried.push(graph.carriesState);
      if (!graph.carriesState) return x;
      const before = graph.input(`state.${graph.path}hidden`, { shape: ["batch", 1] });
      graph.output(`next.${graph.path}hidden`, graph.node("Neg", [before], { shape: before.shape }));
      return x;
    },
  };
  const model = new Sequential([new CarriedState(layer), layer]);
  for (const options of [{}, { state: true }, { state: false }]) toOnnx(model, { ...options, layers: [entry] });
  assert.deepEqual(carried, [true, false, true, true, false, false]);
  const onnx = await OnnxModel.load(toOnnx(model, { layers: [entry] }));
  const next = await onnx.run({
    input: draw(random, [1, 2, 1]),
    "state.0.hidden": { shape: [1, 1], data: Float32Array.of(3) },
  });
  assert.deepEqual(next["next.0.hidden"]!.data, Float32Array.of(-3));
  assert.throws(() => toOnnx(model), /^TypeError: Cannot export 0 Doubled: its class must have a LayerInterchange/);
});

Deno.test("an entry can contain several recurrent layers, each with named states", async () => {
  class Pair implements Layer {
    readonly low = new LSTM({ inputSize: 3, hiddenSize: 4, random });
    readonly high = new GRU({ inputSize: 4, hiddenSize: 4, random });
    parameters = () => ({ ...named(this.low, "low."), ...named(this.high, "high.") });
    forward = (x: Tensor) => this.high.forward(this.low.forward(x));
  }
  const named = (layer: Layer, prefix: string) =>
    Object.fromEntries(Object.entries(layer.parameters()).map(([name, parameter]) => [prefix + name, parameter]));
  const entry: LayerInterchange<Pair> = {
    of: Pair,
    inner: ({ low, high }) => [["low", low], ["high", high]],
    onnx({ low, high }, x, graph) {
      const { output } = recurrentNodes(low, { x, graph, name: "low" });
      return recurrentNodes(high, { x: output, graph, name: "high" }).output;
    },
  };
  const pair = new Pair();
  const onnx = await OnnxModel.load(toOnnx(new Sequential([pair]), { state: true, layers: [entry] }));
  const states = ["0.low.hidden", "0.low.cell", "0.high.hidden"];
  assert.deepEqual(onnx.inputs, ["input", ...states.map((name) => `state.${name}`)]);
  assert.deepEqual(onnx.outputs, ["output", ...states.map((name) => `next.${name}`)]);
  const input = draw(random, [2, 5, 3]);
  const zeros = states.map((name) => [`state.${name}`, { shape: [2, 4], data: new Float32Array(8) }]);
  assertEqual((await onnx.run({ input, ...Object.fromEntries(zeros) })).output, forward(pair, input), "output");
});

Deno.test("parameters can have the names of inputs and outputs; their constants are renamed", async () => {
  class Named implements Layer {
    readonly all = Object.fromEntries(
      ["input", "output", "lengths", "state.hidden", "next.hidden"].map((name, i) => {
        return [name, new Parameter([1], (data) => data.fill(i + 1))];
      }),
    );
    parameters = () => this.all;
    forward = (x: Tensor) => Object.values(this.all).reduce((value: Tensor, one) => add(value, one), x);
  }
  const entry: LayerInterchange<Named> = {
    of: Named,
    onnx: ({ all }, x, graph) =>
      Object.values(all).reduce((value, one) => {
        return graph.node("Add", [value, graph.parameter(one)], { shape: x.shape });
      }, x),
  };
  const lstm = new GRU({ inputSize: 1, hiddenSize: 1, random });
  const model = new Named();
  const onnx = await OnnxModel.load(toOnnx(model, { inputShape: ["batch", 1], lengths: true, layers: [entry] }));
  const input = draw(random, [3, 1]);
  assertEqual((await onnx.run({ input, lengths: integers(1, 1, 1) })).output, forward(model, input), "output");
  const both: LayerInterchange<Named> = {
    of: Named,
    onnx: (layer, x, graph) => recurrentNodes(lstm, { x: entry.onnx!(layer, x, graph), graph }).output,
  };
  const stateful = toOnnx(model, { inputShape: ["batch", "time", 1], state: true, layers: [both] });
  assert.deepEqual((await OnnxModel.load(stateful)).inputs, ["input", "state.hidden"]);
});

Deno.test("a parameter that a hook uses twice is stored once", () => {
  const twice: LayerInterchange<Dense> = {
    of: Dense,
    onnx({ bias }, x, graph) {
      assert.equal(graph.parameter(bias!), graph.parameter(bias!));
      return graph.node("Add", [x, graph.parameter(bias!)], { shape: x.shape });
    },
  };
  const dense = new Dense({ inputSize: 1, outputSize: 1000 });
  const { length } = toOnnx(dense, { inputShape: ["batch", 1000], layers: [twice] });
  assert.ok(length > 4000 && length < 8000, `${length} bytes`);
});

Deno.test("mistakes in a hook are reported", () => {
  const mistakes: [onnx: (x: OnnxValue, graph: OnnxGraph) => unknown, message: RegExp][] = [
    [
      () => undefined,
      /^TypeError: Cannot export 0 Scaled: its onnx hook must return a value of the graph, got undefined$/,
    ],
    [() => ({ name: "x" }), /: its onnx hook must return a value of the graph, got \{"name":"x"\}$/],
    [
      (x, graph) => graph.node("LeakyRelu", [x], { shape: x.shape, attributes: { alpha: 0.1 } }),
      /^TypeError: Cannot export 0\.LeakyRelu: its alpha must be integers or \{ float: … \}, got 0\.1$/,
    ],
    [
      (x, graph) => graph.node("Pad", [x], { shape: x.shape, attributes: { pads: [1, 0.5] } }),
      /: its pads must be integers or \{ float: … \}, got \[1,0\.5\]$/,
    ],
    [
      (_, graph) => graph.constant(new Float32Array(5), [3]),
      /^TypeError: Cannot export 0\.constant: it must have 3 elements for its shape \[3\], got 5$/,
    ],
  ];
  for (const [onnx, message] of mistakes) {
    const layers = [{ ...scaled, onnx: (_, x, graph) => onnx(x, graph) } as LayerInterchange<Scaled>];
    assert.throws(() => toOnnx(model, { layers }), message);
  }
});

Deno.test("a file of 2 GiB or more, which no reader accepts, is rejected before it is built", () => {
  const block = new Float32Array(2 ** 24);
  const large: LayerInterchange<Scaled> = {
    ...scaled,
    onnx(_, x, graph) {
      for (let i = 0; i < 32; i++) graph.constant(block, [block.length]);
      return x;
    },
  };
  assert.throws(
    () => toOnnx(new Scaled(), { layers: [large] }),
    /^RangeError: Cannot export: an ONNX file must be smaller than 2 GiB, got 21474\d+ bytes$/,
  );
});

Deno.test("a Lambda of any other function is rejected", () => {
  using _ = scope();
  const flatten = new Lambda((x) => reshape(x, [x.shape[0]!, 6]));
  assert.deepEqual(noGrad(() => flatten.forward(reshape(new Parameter([12]), [2, 2, 3]))).shape, [2, 6]);
  assert.throws(() => toOnnx(flatten, { inputShape: ["batch", 2, 3] }), {
    name: "TypeError",
    message: "Cannot export Lambda: its function must be one of @unfold/core's activations, such as relu; " +
      "for any other, write a class with a LayerInterchange",
  });
});
