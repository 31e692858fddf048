/** Runs exported models in ONNX Runtime, and validates them with the checker of the onnx package. */

import type { RecurrentState } from "@unfold/layers";
import assert from "node:assert/strict";
// Not in deno.json, so that users of the apps do not download its 110 MB.
import * as ort from "npm:onnxruntime-node@1.30.0";
import { fromTensor, type Numbers, pythonWith, withFolder } from "./testing.ts";

export { ort };

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

/** Names the parts of a recurrent state like a model's inputs or outputs. */
export function named(state: RecurrentState, prefix: string): Record<string, Numbers> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [prefix + name, fromTensor(value)]));
}

const python = pythonWith("onnx");

/** Whether the onnx package (Debian's python3-onnx) is installed. */
export const hasOnnxChecker: boolean = python !== undefined;

const CHECKER = `
import json, onnx, sys
for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    print(json.dumps({one.key: one.value for one in model.metadata_props}))
`;

/** Fails unless the checker accepts all files, including types and shapes. Returns the metadata of each file. */
export async function checkOnnx(
  files: ReadonlyMap<string, Uint8Array>,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const names = [...files.keys()];
  let lines: string[] = [];
  await withFolder((folder) => {
    const paths = [...files.values()].map((file, i) => {
      Deno.writeFileSync(`${folder}/${i}.onnx`, file);
      return `${folder}/${i}.onnx`;
    });
    const { stdout, stderr } = new Deno.Command(python!, { args: ["-c", CHECKER, ...paths] }).outputSync();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    lines = text(stdout).split("\n").slice(0, -1);
    assert.equal(lines.length, paths.length, `${names[lines.length]}: ${text(stderr)}`);
  });
  return new Map(lines.map((line, i) => [names[i]!, JSON.parse(line)]));
}
