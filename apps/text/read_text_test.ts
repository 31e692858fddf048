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
  for (const sizes of [[1], [2], [3], [1, 4], [100]]) {
    assert.equal(await joined(inChunks(encode(text), sizes)), text.replace("\r", ""));
  }
});

Deno.test("the error for invalid UTF-8 gives the offset of the first bad byte, for any chunk size", async () => {
  const good = encode("für 日 ");
  const cases: [number[], number][] = [
    [[...good, 0xff, 65], good.length],
    [[0xc0, 0x80], 0],
    [[...good, 0xe6, 0x97, 65, 66], good.length],
    // An incomplete character at the end.
    [[...good, 0xe6, 0x97], good.length],
  ];
  for (const [bytes, offset] of cases) {
    for (const sizes of [[1], [2], [3], [100]]) {
      await assert.rejects(() => joined(inChunks(Uint8Array.from(bytes), sizes)), {
        message:
          `Cannot read chunks: it must be UTF-8 text, got an invalid byte sequence at byte ${offset}; --encoding names another ` +
          "encoding, such as windows-1252, and --tokens byte reads any file",
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

/** UTF-16, which TextEncoder cannot write. */
function utf16(text: string, isLittle: boolean): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(2 * text.length));
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), isLittle);
  return new Uint8Array(view.buffer);
}

Deno.test("the same text from other systems and encodings reads the same", async () => {
  const text = "one line\nkäse\n\nlast 😀";
  const windows = text.replaceAll("\n", "\r\n");
  const forms = [windows, text.replaceAll("\n", "\r"), `\uFEFF${text}`].map(encode);
  const wide = [
    utf16(`\uFEFF${windows}`, true),
    utf16(`\uFEFF${text}`, false),
    utf16(text, true),
    utf16(windows, false),
  ];
  for (const bytes of [...forms, ...wide]) {
    for (const sizes of [[4, 1], [5], [7, 2], [1000]]) assert.equal(await joined(inChunks(bytes, sizes)), text);
  }
  const latin = Uint8Array.from([0x63, 0x61, 0x66, 0xe9, 0x0d, 0x0a]);
  assert.equal(await joined({ ...inChunks(latin, [1]), encoding: "latin1" }), "café\n");
  await assert.rejects(() => joined({ ...inChunks(latin, [1]), encoding: "nonsense" }), {
    message: /--encoding must be a label/,
  });
});
