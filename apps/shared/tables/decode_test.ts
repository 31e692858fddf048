import assert from "node:assert/strict";
import { decode, unpack } from "./decode.ts";

const text = "Date,Close\n2023-10-02,100\n";

/** UTF-16, which TextEncoder cannot write. */
function utf16(text: string, isLittle: boolean, mark: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer(2 * (text.length + Number(mark))));
  [...mark ? ["\uFEFF"] : [], ...text].forEach((char, i) => bytes.setUint16(2 * i, char.charCodeAt(0), isLittle));
  return new Uint8Array(bytes.buffer);
}

const utf8 = (text: string) => new TextEncoder().encode(text);

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("UTF-8 and UTF-16 are told apart, with a byte-order mark and without", () => {
  const forms: [bytes: Uint8Array<ArrayBuffer>, encoding: string][] = [
    [utf8(text), "utf-8"],
    [utf8(`\uFEFF${text}`), "utf-8"],
    [utf16(text, true, true), "utf-16le"],
    [utf16(text, false, true), "utf-16be"],
    [utf16(text, true, false), "utf-16le"],
    [utf16(text, false, false), "utf-16be"],
    [utf16("สวัสดี\nครับ\nครับ\n", true, false), "utf-16le"],
  ];
  for (const [bytes, encoding] of forms) {
    const decoded = decode(bytes, "f");
    assert.equal(decoded.encoding, encoding);
    if (encoding === "utf-8") assert.deepEqual(decoded.notes, []);
    else assert.match(decoded.notes[0]!.text, /^the text is read as UTF-16 [LB]E$/);
    assert.ok([text, "สวัสดี\nครับ\nครับ\n"].includes(decoded.text));
  }
});

Deno.test("--encoding takes any label of the Encoding standard, and a byte-order mark overrules it aloud", () => {
  const bytes = new Uint8Array([0x63, 0x61, 0x66, 0xe9]);
  assert.equal(decode(bytes, "f", "latin1").text, "café");
  assert.equal(decode(new Uint8Array([0x93, 0xfa]), "f", "shift_jis").text, "日");
  const marked = decode(utf8(`\uFEFF${text}`), "f", "latin1");
  assert.equal(marked.text, text);
  assert.match(marked.notes[0]!.text, /the byte-order mark says UTF-8, so --encoding latin1 is ignored/);
  assert.throws(() => decode(bytes, "f", "nonsense"), {
    name: "TableError",
    message: /^Cannot read f: --encoding must be a label of the Encoding standard such as utf-8, .*, got nonsense$/,
  });
});

Deno.test("bytes that cannot be decoded are an error with their line that names --encoding", () => {
  const latin = Uint8Array.from([...utf8("a\nb\ncaf"), 0xe9, 0x0a, ...utf8("d\n".repeat(100_000))]);
  assert.throws(() => decode(latin, "f"), {
    message: "Cannot read f: line 3: it must be text in UTF-8, got the byte 0xe9 at offset 7; " +
      "--encoding windows-1252 reads most Western files, and any label of the Encoding standard works",
  });
  const late = Uint8Array.from([...utf8("é\n".repeat(60_000)), 0xe9, 0x20]);
  assert.throws(() => decode(late, "f"), { message: /line 60001: .* got the byte 0xe9 at offset 180000;/ });
  const cut = Uint8Array.from([...utf8("ab"), 0xe2, 0x82]);
  assert.throws(() => decode(cut, "f"), { message: /got the byte 0xe2 at offset 2;/ });
  assert.throws(() => decode(Uint8Array.from([0xff, 0xfe, 0x41]), "f"), { message: /UTF-16 LE/ });
});

Deno.test("files of other programs are named", () => {
  const refused: [begins: number[], message: RegExp][] = [
    [[0x50, 0x4b, 3, 4], /Excel workbook/],
    [[0x50, 0x41, 0x52, 0x31], /Parquet/],
    [[1, 0, 2, 3, 0, 0, 5], /zero bytes.*--encoding/],
  ];
  for (const [begins, message] of refused) assert.throws(() => decode(Uint8Array.from(begins), "f"), { message });
});

Deno.test("gzip is unpacked, and a damaged one is an error", async () => {
  const packed = await gzip(utf8(text));
  assert.equal(decode(await unpack(packed, "f"), "f").text, text);
  await assert.rejects(unpack(packed.slice(0, -6), "f"), { message: /^Cannot read f: it must be whole gzip data/ });
  const plain = utf8(text);
  assert.equal(await unpack(plain, "f"), plain);
});
