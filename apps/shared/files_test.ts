import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { writeFiles } from "./files.ts";

Deno.test("writeFiles writes no file at all if a folder is in the way of one", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/b`);
    await assert.rejects(
      writeFiles(folder, { a: "1", b: "2" }),
      /^Error: Cannot write to .*: b must be a file, got a folder$/,
    );
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["b"]);
  }));
