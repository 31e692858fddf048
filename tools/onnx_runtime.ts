import { noGrad, type Random, scope, type Tensor, tensor } from "@unfold/core";
import type { ForwardOptions, Layer, RecurrentState } from "@unfold/layers";
import assert from "node:assert/strict";
// Named here and not in deno.json, so that those who run an app are spared its 110 MB.
import * as ort from "npm:onnxruntime-node@1.30.0";

export { ort };

/** Numbers with a shape, as they go into a model and come out. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** Integers in a row, such as lengths. */
export function integers(...values: number[]): Numbers {
  return { shape: [values.length], data: Int32Array.from(values) };
}

/** Standard normal numbers, or tokens of so many. */
export function draw(random: Random, shape: readonly number[], tokens?: number): Numbers {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = tokens === undefined
    ? Float32Array.from({ length }, () => random.normal())
    : Int32Array.from({ length }, () => random.integer(tokens));
  return { shape, data };
}

/** Moves all parameters by chance, so that none stays at 0 or 1. */
export function stir<L extends Layer>(layer: L, random: Random): L {
  for (const { data } of Object.values(layer.parameters())) data.forEach((_, i) => data[i]! += random.normal(0, 0.1));
  return layer;
}

/** A tensor of numbers. */
export function toTensor({ shape, data }: Numbers): Tensor {
  return tensor([...data], { dtype: data instanceof Int32Array ? "i32" : "f32", shape }) as Tensor;
}

/** The numbers of a tensor. */
export function fromTensor({ shape, data }: Tensor): Numbers {
  return { shape, data: data.slice() };
}

/** What a layer of ours gives. */
export function forward(layer: Layer, x: Numbers, options: ForwardOptions = {}): Numbers {
  using _ = scope();
  return fromTensor(noGrad(() => layer.forward(toTensor(x), options)));
}

/** A model in ONNX Runtime. */
export class OnnxModel {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  static async load(file: Uint8Array<ArrayBuffer>): Promise<OnnxModel> {
    return new OnnxModel(await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 }));
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.#session.outputNames;
  }

  async run(feeds: Readonly<Record<string, Numbers>>): Promise<Readonly<Record<string, Numbers>>> {
    const given = Object.entries(feeds).map(([name, { shape, data }]) => [name, new ort.Tensor(data, shape)]);
    const results = await this.#session.run(Object.fromEntries(given));
    return Object.fromEntries(
      Object.entries(results).map(([name, { dims, data }]) => {
        return [name, { shape: dims, data: data as Float32Array<ArrayBuffer> }];
      }),
    );
  }
}

/** Fails where two results have other shapes, or numbers that differ by more than 10⁻⁵. */
export function assertEqual(actual: Numbers | undefined, expected: Numbers, name: string): void {
  assert.deepEqual(actual?.shape, expected.shape, name);
  const worst = Math.max(0, ...Array.from(expected.data, (value, i) => Math.abs(value - actual!.data[i]!)));
  assert.ok(worst <= 1e-5, `${name}: must differ by 1e-5 at most, got ${worst}`);
}

/** A state by the names of a model's inputs or outputs. */
export function named(state: RecurrentState, prefix: string): Record<string, Numbers> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [prefix + name, fromTensor(value)]));
}
