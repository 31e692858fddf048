import assert from "node:assert/strict";
import { pythonWith } from "./python_with.ts";
import { withFolder } from "./with_folder.ts";

const python = pythonWith("onnx");

/** Whether this machine has onnx's own checker, of Debian's python3-onnx. */
export const hasOnnxChecker: boolean = python !== undefined;

const PROGRAM = `
import json, onnx, sys
for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    print(json.dumps({one.key: one.value for one in model.metadata_props}))
`;

/** Fails unless onnx's checker accepts files, types and shapes included; returns the metadata that it finds in each. */
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
    const { stdout, stderr } = new Deno.Command(python!, { args: ["-c", PROGRAM, ...paths] }).outputSync();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    lines = text(stdout).split("\n").slice(0, -1);
    assert.equal(lines.length, paths.length, `${names[lines.length]}: ${text(stderr)}`);
  });
  return new Map(lines.map((line, i) => [names[i]!, JSON.parse(line)]));
}
