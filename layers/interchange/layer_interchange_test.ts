import { add, matmul, multiply, noGrad, Parameter, Random, reshape, scope, type Tensor } from "@unfold/core";
import {
  type Cell,
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
  recurrentNodes,
  toKeras,
  toOnnx,
  toPyTorch,
} from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { assertEqual, draw, forward, integers, OnnxModel, stir } from "../../tools/onnx_runtime.ts";

const random = new Random(1);

/** A layer of one's own that learns: y = x·V·factor. */
class Scaled implements Layer {
  readonly factor = new Parameter([1], (data) => data.fill(2));
  readonly weight = new Parameter([3, 2], (data) => data.forEach((_, i) => data[i] = random.normal()));

  parameters = () => ({ factor: this.factor, weight: this.weight });

  forward(x: Tensor): Tensor {
    return multiply(matmul(x, this.weight), this.factor);
  }
}

/** The only place where Unfold is told of it. */
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

Deno.test("a layer of one's own is exported by its entry, and is refused without one", async () => {
  const onnx = await OnnxModel.load(toOnnx(model, { layers: [scaled] }));
  const input = draw(random, [4, 3]);
  assertEqual((await onnx.run({ input })).output, forward(model, input), "output");
  assert.throws(() => toOnnx(model, { inputShape: ["batch", 3] }), {
    name: "TypeError",
    message: "Cannot export 0 Scaled: its nodes must be known, by a LayerInterchange with onnx among the option layers",
  });
});

Deno.test("its weights are mapped by its entry, and it is refused without one", () => {
  const layers = [scaled];
  const tensors = toPyTorch(model, { layers });
  assert.deepEqual([...tensors.keys()], ["0.scale", "0.matrix", "1.weight", "1.bias"]);
  assert.deepEqual(fromPyTorch(model, tensors, { layers }).get("0.weight")!.data, model.parameters()["0.weight"]!.data);
  assert.throws(() => toPyTorch(model), /0 Scaled must have a LayerInterchange with pytorch among the option layers$/);
  assert.throws(() => toKeras(model, { layers }), /0 Scaled cannot be mapped: Keras has no such layer$/);
});

Deno.test("summary runs it, and needs no entry", () => {
  assert.deepEqual(summary(model, [4, 3]).lines[0], { layer: "0 Scaled", output: [4, 2], parameters: 7 });
});

Deno.test("an entry of one's own comes before ours", async () => {
  const double: LayerInterchange<Dense> = {
    of: Dense,
    onnx: (_, x, graph) => graph.node("Add", [x, x], { shape: x.shape }),
  };
  const dense = new Dense({ inputSize: 2, outputSize: 2 });
  const onnx = await OnnxModel.load(toOnnx(dense, { layers: [double] }));
  const input = { shape: [1, 2], data: Float32Array.of(1, 2) };
  assert.deepEqual((await onnx.run({ input })).output!.data, Float32Array.of(2, 4));
});

/** The last state of both directions, as a classifier reads it. */
class FinalState implements Layer {
  readonly gru = new GRU({ inputSize: 3, hiddenSize: 4, bidirectional: true, random });
  parameters = () => this.gru.parameters();
  forward = (x: Tensor, options: ForwardOptions = {}) => this.gru.run(x, options).state.hidden;
}

Deno.test("an entry can hold a recurrent layer and take its state; its weights are those of the layer inside", async () => {
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

Deno.test("what extends a layer of ours, or is made of a cell of one's own, is not taken for ours", () => {
  class Twice extends LSTM {
    override forward(x: Tensor): Tensor {
      return add(super.forward(x), super.forward(x));
    }
  }
  assert.throws(() => toOnnx(new Twice({ inputSize: 1, hiddenSize: 1 })), /^TypeError: Cannot export: inputShape must/);
  assert.throws(
    () => toOnnx(new Twice({ inputSize: 1, hiddenSize: 1 }), { inputShape: ["batch", "time", 1] }),
    /^TypeError: Cannot export Twice: its nodes must be known/,
  );
  const cell = { name: "Mine", gates: 1, states: ["hidden"], direct: false, recurrentBias: false } as unknown as Cell;
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
    /^TypeError: Cannot export Mine: it must be a SimpleRNN, LSTM or GRU, or have a LayerInterchange$/,
  );
});

Deno.test("a Lambda of another function is refused, and a class with an entry is the way", () => {
  using _ = scope();
  const flatten = new Lambda((x) => reshape(x, [x.shape[0]!, 6]));
  assert.deepEqual(noGrad(() => flatten.forward(reshape(new Parameter([12]), [2, 2, 3]))).shape, [2, 6]);
  assert.throws(() => toOnnx(flatten, { inputShape: ["batch", 2, 3] }), {
    name: "TypeError",
    message: "Cannot export Lambda: its function must be an activation of @unfold/core, such as relu; " +
      "another one must be a class with a LayerInterchange",
  });
});
