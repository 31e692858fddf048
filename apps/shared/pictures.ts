import { lstat, unlink } from "node:fs/promises";
import { writeFiles } from "./files.ts";
import { printable, say } from "./printable.ts";

/** The files of a picture. */
export function pictureFiles(name: string): [svg: string, png: string] {
  return [`${name}.svg`, `${name}.png`];
}

/**
 * Draws a chart and writes it as NAME.svg and NAME.png, after the results are written. If that fails, it says so on
 * stderr, and the run goes on without a picture.
 *
 * @param folder The folder of the results.
 * @param name The files' name without an ending.
 * @param draw Draws the chart as SVG.
 * @returns The names of the files it wrote: both or none.
 */
export async function writePictures(folder: string, name: string, draw: () => Promise<string>): Promise<string[]> {
  const files = pictureFiles(name);
  const [svgFile, pngFile] = files;
  try {
    const [svg, { toPng }] = await Promise.all([draw(), import("./charts.ts")]);
    await writeFiles(folder, { [svgFile]: svg, [pngFile]: await toPng(svg) });
    return files;
  } catch (error) {
    say(`warning: the results are written, but not their picture: ${printable(String(error), 300)}`);
    // A picture of an earlier run shows other results.
    await Promise.allSettled(files.map((file) => removeFile(`${folder}/${file}`)));
    return [];
  }
}

/** Removes a file, but not a folder in its place. */
async function removeFile(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) await unlink(path);
}
