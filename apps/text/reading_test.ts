import assert from "node:assert/strict";
import fc from "fast-check";
import { withFolder } from "../../tools/testing.ts";
import { decodeText, fileInput, givenText, type TextInput } from "./read_text.ts";
import { tokenize, TokenStore } from "./tokenize.ts";
import { buildVocabulary, makeTokenizer, UNKNOWN } from "./tokenizer.ts";

/** Bytes that come in pieces of some sizes. */
function inPieces(bytes: Uint8Array, sizes: readonly number[]): TextInput {
  return {
    name: "pieces",
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

Deno.test("a text is the same in whatever pieces it comes", async () => {
  const text = "Ein Käse, 日本語, 😀 and\r\nmore: “quoted”.";
  for (const sizes of [[1], [2], [3], [1, 4], [100]]) assert.equal(await joined(inPieces(encode(text), sizes)), text);
});

Deno.test("bytes that are no UTF-8 are named by where they begin, wherever pieces are cut", async () => {
  const good = encode("für 日 ");
  const cases: [number[], number][] = [
    [[...good, 0xff, 65], good.length],
    [[0xc0, 0x80], 0],
    [[...good, 0xe6, 0x97, 65, 66], good.length + 2],
    // What stands at the end and is not whole.
    [[...good, 0xe6, 0x97], good.length],
  ];
  for (const [bytes, offset] of cases) {
    for (const sizes of [[1], [2], [3], [100]]) {
      await assert.rejects(() => joined(inPieces(Uint8Array.from(bytes), sizes)), {
        message:
          `Cannot read pieces: it must be text in UTF-8, got other bytes from byte ${offset} on; a model of --tokens byte takes any`,
      });
    }
  }
});

Deno.test("files that cannot be read are named", () =>
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

Deno.test("tokens are the same from memory and from a file, across the border of both", () =>
  withFolder((folder) => {
    for (const type of [Uint8Array, Uint16Array, Int32Array]) {
      // Memory doubles from 65,536 elements; two flushes and a rest.
      const count = 150_000;
      const most = (1 << 16) * type.BYTES_PER_ELEMENT;
      using memory = new TokenStore(type);
      using file = new TokenStore(type, { folder, most });
      for (let i = 0; i < count; i++) {
        memory.push(i * 7919 % 251);
        file.push(i * 7919 % 251);
      }
      assert.deepEqual([memory.length, file.length], [count, count]);
      fc.assert(fc.property(fc.nat(count), fc.nat(1000), (from, length) => {
        const to = Math.min(count, from + length);
        assert.deepEqual(file.subarray(from, to), memory.subarray(from, to));
        assert.ok(file.subarray(from, to).every((token, i) => token === (from + i) * 7919 % 251));
      }));
      const border = 2 << 16;
      assert.deepEqual(file.subarray(border - 5, border + 5), memory.subarray(border - 5, border + 5));
    }
    // The file has no name that would be left behind.
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("characters, words and bytes are the text again when they are put together", async () => {
  const texts = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 });
  await fc.assert(fc.asyncProperty(texts, sizes, fc.constantFrom("char", "word", "byte"), async (text, sizes, kind) => {
    const some = `${text} two words, 3 numbers\nand a line’s end. ${text}`;
    using read = await tokenize([inPieces(encode(some), sizes)], { kind, vocabularySize: 10_000 });
    const tokens = Int32Array.from(read.tokens.subarray(0, read.tokens.length));
    const decode = read.tokenizer.decoder();
    const again = Array.from(tokens, decode).join("");
    assert.equal(again, new TextDecoder().decode(encode(some)));
    assert.deepEqual(read.tokenizer.encode(again), tokens);
    assert.ok(tokens.every((token) => token >= 0 && token < read.tokenizer.size));
    assert.equal(read.characters, kind === "byte" ? encode(some).length : [...again].length);
  }));
});

Deno.test("the most frequent words are kept, by how often they occur; the others are <unk>", async () => {
  const input = givenText("words", "b a b a b b c");
  using read = await tokenize([input], { kind: "word", vocabularySize: 3 });
  assert.deepEqual(read.tokenizer.vocabulary, [" b", " a", UNKNOWN]);
  // The first b has no space before it.
  assert.deepEqual([...read.tokens.subarray(0, 7), read.unknown], [2, 1, 0, 1, 0, 0, 2, 2]);
  assert.deepEqual(buildVocabulary("word", ["x y", " y z"], 3), [" y", "x", UNKNOWN]);
  assert.deepEqual(buildVocabulary("byte", ["x"], 3), []);
});

Deno.test("a given vocabulary stays; a character that it has not is named, with its text", async () => {
  const tokenizer = makeTokenizer("char", ["a", "b"]);
  using read = await tokenize([givenText("good", "abba")], { kind: "char", tokenizer });
  assert.deepEqual([...read.tokens.subarray(0, 4)], [0, 1, 1, 0]);
  const message = (where: string) =>
    `Cannot read ${where}: the model must know every character, got "ß", which was not in the text that it learned from; ` +
    "a model of --tokens byte knows all";
  const options = { kind: "char", tokenizer } as const;
  await assert.rejects(() => tokenize([givenText("bad", "abß")], options), { message: message("bad") });
  assert.throws(() => tokenizer.encode("ß"), { message: message('"ß"') });
  const words = makeTokenizer("word", [" b", UNKNOWN]);
  using unknown = await tokenize([givenText("words", "a b")], { kind: "word", tokenizer: words });
  assert.deepEqual([...unknown.tokens.subarray(0, 2), unknown.unknown], [1, 0, 1]);
  // The first word of a prompt has no space before it.
  assert.deepEqual([...words.encode("b b c")], [0, 0, 1]);
});

Deno.test("a text has a hash of its own; one without spaces is cut where no character is", async () => {
  const hashOf = async (text: string) => {
    using read = await tokenize([givenText("text", text)], { kind: "char" });
    return read.hash;
  };
  assert.equal(await hashOf("abcabc"), await hashOf("abcabc"));
  assert.notEqual(await hashOf("abcabc"), await hashOf("abcacb"));
  const text = "😀".repeat(1_200_000);
  using read = await tokenize([givenText("faces", text)], { kind: "word" });
  assert.equal(read.characters, 1_200_000);
  const decode = read.tokenizer.decoder();
  let again = "";
  for (let at = 0; at < read.tokens.length; at += 1000) {
    again += Array.from(read.tokens.subarray(at, Math.min(read.tokens.length, at + 1000)), decode).join("");
  }
  assert.equal(again, text);
});
