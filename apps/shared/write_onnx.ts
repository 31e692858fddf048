import { basename, dirname } from "node:path";
import { UsageError } from "./cli.ts";
import { prepareFolder, writeFiles } from "./files.ts";

/** A model as ONNX. */
export interface OnnxExport {
  readonly file: Uint8Array<ArrayBuffer>;
  /** What has to be done before and after it; as JSON it is in the file too, under the key `unfold`. */
  readonly about: { readonly preprocessing: string; readonly postprocessing: string };
}

/**
 * Writes an ONNX file, and what is to be known about it beside it as JSON, for the runtimes that do not show metadata.
 *
 * @param model The model that was exported: the files go beside it unless told otherwise.
 * @param out Where to, if that was told.
 */
export async function writeOnnx(
  model: string,
  out: string | undefined,
  { file, about }: OnnxExport,
): Promise<void> {
  const path = out ?? `${model.replace(/\.safetensors$/, "")}.onnx`;
  if (!path.endsWith(".onnx")) throw new UsageError(`--out must end in .onnx, got ${path}`);
  const [folder, name] = [dirname(path), basename(path)];
  // Not x.json: beside x.onnx that may be something else.
  const json = `${name}.json`;
  await prepareFolder(folder);
  await writeFiles(folder, { [name]: file, [json]: `${JSON.stringify(about, null, 2)}\n` });
  console.log(`Written to ${folder}: ${name}, ${json}\n\n${about.preprocessing}\n${about.postprocessing}`);
}
