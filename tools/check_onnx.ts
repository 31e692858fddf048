import assert from "node:assert/strict";
import { pythonWith } from "./python_with.ts";
import { withFolder } from "./with_folder.ts";

const python = pythonWith("onnx");

/** Whether this machine has onnx's own checker, of Debian's python3-onnx. */
export const hasOnnxChecker: boolean = python !== undefined;

const PROGRAM = `
import onnx, sys
for path in sys.argv[1:]:
    onnx.checker.check_model(onnx.load(path), full_check=True)
    print(path)
`;

/** Fails unless onnx's checker accepts files, types and shapes included. */
export function checkOnnx(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  return withFolder((folder) => {
    const paths = [...files.values()].map((file, i) => {
      Deno.writeFileSync(`${folder}/${i}.onnx`, file);
      return `${folder}/${i}.onnx`;
    });
    const { stdout, stderr } = new Deno.Command(python!, { args: ["-c", PROGRAM, ...paths] }).outputSync();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const accepted = text(stdout).trim().split("\n").length;
    assert.equal(text(stdout).trim(), paths.join("\n"), `${[...files.keys()][accepted]}: ${text(stderr)}`);
  });
}
