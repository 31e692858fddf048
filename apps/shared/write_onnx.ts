import { basename, dirname } from "node:path";
import { UsageError } from "./cli.ts";
import { makeFolder, writeFiles } from "./files.ts";
import { print } from "./printable.ts";

/** A model exported as ONNX. */
export interface OnnxExport {
  readonly file: Uint8Array<ArrayBuffer>;
  /** The preprocessing and postprocessing in words. The file has them too, as JSON under the metadata key `unfold`. */
  readonly about: { readonly preprocessing: string; readonly postprocessing: string };
}

/**
 * Writes an ONNX file, and its description as a JSON file next to it for runtimes that do not expose metadata.
 *
 * @param model The path of the exported model: by default the files go next to it.
 * @param out The path of the ONNX file, if given.
 */
export async function writeOnnx(
  model: string,
  out: string | undefined,
  { file, about }: OnnxExport,
): Promise<void> {
  const path = out ?? `${model.replace(/\.safetensors$/, "")}.onnx`;
  if (!path.endsWith(".onnx")) throw new UsageError(`--out must end in .onnx, got ${path}`);
  const [folder, name] = [dirname(path), basename(path)];
  // Not NAME.json, which may be another file.
  const json = `${name}.json`;
  await makeFolder(folder);
  await writeFiles(folder, { [name]: file, [json]: `${JSON.stringify(about, null, 2)}\n` });
  print(`Written to ${folder}: ${name}, ${json}\n\n${about.preprocessing}\n${about.postprocessing}`);
}
