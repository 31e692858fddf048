import type { OnnxGraph, OnnxValue } from "./graph.ts";

/** ONNX's number for 64-bit integers. */
const INT64 = 7;

/** The operators that several layers need, with the shapes of their results. */
export class Ops {
  constructor(readonly graph: OnnxGraph) {}

  /** An operator whose result has the shape of its first input. */
  same(op: string, ...inputs: readonly OnnxValue[]): OnnxValue {
    return this.graph.node(op, inputs, { shape: inputs[0]!.shape });
  }

  /** A scalar constant. */
  number(value: number): OnnxValue {
    return this.graph.constant(Float32Array.of(value), []);
  }

  /** x·w for a matrix w. */
  matmul(x: OnnxValue, w: OnnxValue): OnnxValue {
    return this.graph.node("MatMul", [x, w], { shape: x.shape.with(-1, w.shape.at(-1)!) });
  }

  /** Layer normalization over the last axis. */
  norm(
    x: OnnxValue,
    gain: OnnxValue,
    { bias, eps = 1e-5 }: { bias?: OnnxValue | undefined; eps?: number } = {},
  ): OnnxValue {
    const inputs = bias === undefined ? [x, gain] : [x, gain, bias];
    return this.graph.node("LayerNormalization", inputs, { shape: x.shape, attributes: { epsilon: { float: eps } } });
  }

  /** Splits along the last axis. */
  split(x: OnnxValue, sizes: readonly number[]): OnnxValue[] {
    if (sizes.length === 1) return [x];
    const outputs = sizes.map((size) => ({ shape: x.shape.with(-1, size) }));
    return this.graph.nodeOf("Split", [x, this.graph.integers(sizes)], { outputs, attributes: { axis: -1 } });
  }

  /** Concatenates along an axis. */
  concat(values: readonly OnnxValue[], axis: number): OnnxValue {
    const [first] = values as [OnnxValue];
    if (values.length === 1) return first;
    const length = values.reduce((total, { shape }) => total + (shape.at(axis) as number), 0);
    const shape = first.shape.with(axis, length);
    return this.graph.node("Concat", values, { shape, dtype: first.dtype, attributes: { axis } });
  }

  /** Splits the last axis into several. */
  unfold(x: OnnxValue, lengths: readonly number[]): OnnxValue {
    const before = x.shape.slice(0, -1);
    const shape = this.graph.integers([...before.map(() => 0), ...lengths]);
    return this.graph.node("Reshape", [x, shape], { shape: [...before, ...lengths] });
  }

  /** Merges the last two axes into one. */
  fold(x: OnnxValue): OnnxValue {
    const before = x.shape.slice(0, -2);
    const length = (x.shape.at(-2) as number) * (x.shape.at(-1) as number);
    const shape = this.graph.integers([...before.map(() => 0), length]);
    return this.graph.node("Reshape", [x, shape], { shape: [...before, length] });
  }

  /** Takes a range of the first axis. */
  slice(x: OnnxValue, from: number, to: number): OnnxValue {
    if (to - from === x.shape[0]) return x;
    const bounds = [from, to, 0].map((bound) => this.graph.integers([bound]));
    return this.graph.node("Slice", [x, ...bounds], { shape: x.shape.with(0, to - from) });
  }

  /** Reorders the axes. */
  transpose(x: OnnxValue, order: readonly number[]): OnnxValue {
    return this.graph.node("Transpose", [x], {
      shape: order.map((axis) => x.shape[axis]!),
      attributes: { perm: order },
    });
  }

  /** Inserts an axis of length 1. */
  unsqueeze(x: OnnxValue, axis: number): OnnxValue {
    const shape = x.shape.toSpliced(axis, 0, 1);
    return this.graph.node("Unsqueeze", [x, this.graph.integers([axis])], { shape, dtype: x.dtype });
  }

  /** Removes an axis of length 1. */
  squeeze(x: OnnxValue, axis: number): OnnxValue {
    const shape = x.shape.toSpliced(axis, 1);
    return this.graph.node("Squeeze", [x, this.graph.integers([axis])], { shape, dtype: x.dtype });
  }

  /** Converts to 64-bit integers. */
  toInt64(x: OnnxValue): OnnxValue {
    return this.graph.node("Cast", [x], { shape: x.shape, dtype: "i64", attributes: { to: INT64 } });
  }

  /** x where the condition is true, y elsewhere. */
  where(condition: OnnxValue, x: OnnxValue, y: OnnxValue): OnnxValue {
    return this.graph.node("Where", [condition, x, y], { shape: x.shape });
  }

  /** The length of an axis at run time: a scalar, or a list with one element if `keep` is true. */
  lengthOf(x: OnnxValue, axis: number, { keep }: { keep: boolean }): OnnxValue {
    const lengths = this.graph.node("Shape", [x], { shape: [x.shape.length], dtype: "i64" });
    const index = this.graph.integers(keep ? [axis] : axis);
    return this.graph.node("Gather", [lengths, index], { shape: index.shape, dtype: "i64", attributes: { axis: 0 } });
  }

  /** Compares elementwise. */
  compare(op: "Less" | "Equal", x: OnnxValue, y: OnnxValue, shape: OnnxValue["shape"]): OnnxValue {
    return this.graph.node(op, [x, y], { shape, dtype: "bool" });
  }
}
