import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { withStderr } from "./_run_app.ts";
import { writePictures } from "./pictures.ts";

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("a picture is written as SVG and PNG", () =>
  withFolder(async (folder) => {
    const [written, stderr] = await withStderr(() => writePictures(folder, "a", () => Promise.resolve(SVG)));
    assert.deepEqual([written, stderr], [["a.svg", "a.png"], ""]);
    assert.equal(await Deno.readTextFile(`${folder}/a.svg`), SVG);
    assert.deepEqual([...(await Deno.readFile(`${folder}/a.png`)).subarray(1, 4)], [0x50, 0x4e, 0x47]);
  }));

Deno.test("a picture that cannot be drawn or written is a warning in one line, and the old one goes", () =>
  withFolder(async (folder) => {
    const failing = {
      // deno-lint-ignore require-await
      drawn: async (): Promise<string> => {
        throw new Error("no\x1b[2J ink");
      },
      // deno-lint-ignore no-throw-literal require-await
      thrown: async (): Promise<string> => {
        throw "no ink";
      },
      rendered: () => Promise.resolve("<svg"),
    };
    for (const [name, draw] of Object.entries(failing)) {
      for (const file of [`${name}.svg`, `${name}.png`]) await Deno.writeTextFile(`${folder}/${file}`, "old");
      const [written, stderr] = await withStderr(() => writePictures(folder, name, draw));
      assert.deepEqual([written, names(folder)], [[], []]);
      // deno-lint-ignore no-control-regex
      assert.match(stderr, /^warning: the results are written, but not their picture: [^\x00-\x1f]+$/);
      if (name === "drawn") assert.ok(stderr.endsWith("picture: Error: no\\u001b[2J ink"), stderr);
    }
    await Deno.mkdir(`${folder}/a.png`);
    const [written, stderr] = await withStderr(() => writePictures(folder, "a", () => Promise.resolve(SVG)));
    assert.deepEqual([written, names(folder)], [[], ["a.png"]]);
    assert.match(stderr, /a\.png must be a file, got a folder$/);
  }));
