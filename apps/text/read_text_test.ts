import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { decodeText, fileInput, type TextInput } from "./read_text.ts";

/** Bytes that arrive in chunks of the given sizes. */
function inChunks(bytes: Uint8Array, sizes: readonly number[]): TextInput {
  return {
    name: "chunks",
    async *bytes() {
      await Promise.resolve();
      for (let at = 0, i = 0; at < bytes.length; at += sizes[i++ % sizes.length]!) {
        yield bytes.subarray(at, at + sizes[i % sizes.length]!);
      }
    },
  };
}

const encode = (text: string) => new TextEncoder().encode(text);
const joined = async (input: TextInput) => (await Array.fromAsync(decodeText(input))).join("");

Deno.test("decoding does not depend on how the bytes are split into chunks", async () => {
  const text = "Ein Käse, 日本語, 😀 and\r\nmore: “quoted”.";
  for (const sizes of [[1], [2], [3], [1, 4], [100]]) assert.equal(await joined(inChunks(encode(text), sizes)), text);
});

Deno.test("the error for invalid UTF-8 gives the offset of the first bad byte, for any chunk size", async () => {
  const good = encode("für 日 ");
  const cases: [number[], number][] = [
    [[...good, 0xff, 65], good.length],
    [[0xc0, 0x80], 0],
    [[...good, 0xe6, 0x97, 65, 66], good.length + 2],
    // An incomplete character at the end.
    [[...good, 0xe6, 0x97], good.length],
  ];
  for (const [bytes, offset] of cases) {
    for (const sizes of [[1], [2], [3], [100]]) {
      await assert.rejects(() => joined(inChunks(Uint8Array.from(bytes), sizes)), {
        message:
          `Cannot read chunks: it must be UTF-8 text, got an invalid byte sequence at byte ${offset}; --tokens byte reads any file`,
      });
    }
  }
});

Deno.test("a file is read whole; the error for one that cannot be read names it", () =>
  withFolder(async (folder) => {
    await assert.rejects(() => joined(fileInput(`${folder}/none`)), {
      message: `Cannot read ${folder}/none: there is no such file`,
    });
    await assert.rejects(() => joined(fileInput(folder)), {
      message: `Cannot read ${folder}: it must be a file, got a folder`,
    });
    await Deno.writeTextFile(`${folder}/a`, "abc".repeat(500_000));
    assert.equal((await joined(fileInput(`${folder}/a`))).length, 1_500_000);
  }));
