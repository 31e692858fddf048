import assert from "node:assert/strict";
import fc from "fast-check";
import { withFolder } from "../../tools/testing.ts";
import { givenText, type TextInput } from "./read_text.ts";
import { tokenize, TokenStore } from "./tokenize.ts";
import { buildVocabulary, encodingOf, makeTokenizer, segment, UNKNOWN } from "./tokenizer.ts";

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

Deno.test("tokens in memory and in a file are the same, also across the boundary", () =>
  withFolder((folder) => {
    for (const type of [Uint8Array, Uint16Array, Int32Array]) {
      // Memory starts with 65,536 elements, so the file is written twice and some tokens stay in memory.
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
      const boundary = 2 << 16;
      assert.deepEqual(file.subarray(boundary - 5, boundary + 5), memory.subarray(boundary - 5, boundary + 5));
    }
    // The file is already unlinked.
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("decoding characters, words or bytes gives the text back", async () => {
  const texts = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 });
  await fc.assert(fc.asyncProperty(texts, sizes, fc.constantFrom("char", "word", "byte"), async (text, sizes, kind) => {
    const some = `${text} two words, 3 numbers\nand a line’s end. ${text}`;
    using read = await tokenize([inChunks(encode(some), sizes)], { kind, vocabularySize: 10_000 });
    const tokens = Int32Array.from(read.tokens.subarray(0, read.tokens.length));
    const decode = read.tokenizer.decoder();
    const again = Array.from(tokens, decode).join("");
    assert.equal(again, new TextDecoder().decode(encode(some)));
    assert.deepEqual(read.tokenizer.encode(again), tokens);
    assert.ok(tokens.every((token) => token >= 0 && token < read.tokenizer.size));
    assert.equal(read.characters, kind === "byte" ? encode(some).length : [...again].length);
  }));
});

Deno.test("the most frequent words are kept in order of frequency; the others are <unk>", async () => {
  const input = givenText("words", "b a b a b b c");
  using read = await tokenize([input], { kind: "word", vocabularySize: 3 });
  assert.deepEqual(read.tokenizer.vocabulary, [" b", " a", UNKNOWN]);
  // The first b has no space before it, so it is another token.
  assert.deepEqual([...read.tokens.subarray(0, 7), read.unknown], [2, 1, 0, 1, 0, 0, 2, 2]);
  assert.deepEqual(buildVocabulary("word", ["x y", " y z"], 3), [" y", "x", UNKNOWN]);
  assert.deepEqual(buildVocabulary("byte", ["x"], 3), []);
});

Deno.test("a given vocabulary is not changed; the error for an unknown character names it and its text", async () => {
  const tokenizer = makeTokenizer("char", ["a", "b"]);
  using read = await tokenize([givenText("good", "abba")], { kind: "char", tokenizer });
  assert.deepEqual([...read.tokens.subarray(0, 4)], [0, 1, 1, 0]);
  const message = (where: string) =>
    `Cannot read ${where}: every character must be in the model's vocabulary, got "ß"; ` +
    "a model trained with --tokens byte reads any text";
  const options = { kind: "char", tokenizer } as const;
  await assert.rejects(() => tokenize([givenText("bad", "abß")], options), { message: message("bad") });
  assert.throws(() => tokenizer.encode("ß"), { message: message('"ß"') });
  const words = makeTokenizer("word", [" b", UNKNOWN]);
  using unknown = await tokenize([givenText("words", "a b")], { kind: "word", tokenizer: words });
  assert.deepEqual([...unknown.tokens.subarray(0, 2), unknown.unknown], [1, 0, 1]);
  // The first word of a prompt has no space before it.
  assert.deepEqual([...words.encode("b b c")], [0, 0, 1]);
});

Deno.test("the hash tells texts apart; a long text without spaces is not cut within a character", async () => {
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

Deno.test("each kind of tokenizer describes its encoding", () => {
  const encodings = (["char", "word", "byte"] as const).map((kind) => encodingOf(makeTokenizer(kind, ["a", "<unk>"])));
  assert.match(encodings[0]!, /index of each character in vocabulary$/);
  assert.match(
    encodings[1]!,
    /index in vocabulary of each match of \/.*\/gu, or of <unk>; matches with Chinese, .* are split by Intl\.Segmenter/,
  );
  assert.match(encodings[2]!, /UTF-8 bytes of the text$/);
});

Deno.test("scripts without spaces are split into words, and the parts give the text back", () => {
  const texts = [
    "这部电影很好看。",
    "映画はとても良かった",
    "ครับน้ำที่นี่กรุงเทพ",
    "mixed 电影 and words",
    "一".repeat(10_000),
    "😀好",
  ];
  for (const text of texts) assert.equal([...segment("word", text)].join(""), text);
  const thai = [...segment("word", "น้ำที่นี่กรุงเทพ")];
  assert.ok(thai.length >= 3 && thai.includes("น้ำ") && thai.includes("กรุงเทพ"), `${thai}`);
  assert.ok([...segment("word", "这部电影很好看")].includes("电影"));
  assert.deepEqual([...segment("word", "plain words, only")], ["plain", " words", ",", " only"]);
});
