import type { TokenSource } from "@unfold/training";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { decodeText, type TextInput } from "./read_text.ts";
import { makeTokenizer, segment, type Tokenizer, type TokenKind, UNKNOWN, unknownCharacter } from "./tokenizer.ts";

/** A tokenized text. */
export interface TokenizedText extends Disposable {
  readonly tokenizer: Tokenizer;
  readonly tokens: TokenSource;
  /** The number of characters in the text, or of bytes if the tokens are bytes. */
  readonly characters: number;
  /** The number of tokens that are `<unk>`. */
  readonly unknown: number;
  /** A hash of the tokens, which identifies the text. */
  readonly hash: number;
}

/** Options of {@linkcode tokenize}. */
interface TokenizeOptions {
  readonly kind: TokenKind;
  /**
   * The size of a vocabulary of words. The most frequent ones are kept.
   *
   * @default Infinity
   */
  readonly vocabularySize?: number;
  /** The folder for the tokens of a long text. If omitted, all tokens stay in memory. */
  readonly folder?: string;
  /** The tokenizer of a trained model. Without it, the vocabulary is built from the text. */
  readonly tokenizer?: Tokenizer;
}

/** Text in many scripts together has fewer distinct characters than this; a file with more is probably not text. */
const MOST_CHARACTERS = 1 << 16;
/** The length at which a run without spaces is cut. */
const LONGEST_WORD = 1 << 20;

/**
 * Reads texts one after another, chunk by chunk, and turns them into tokens. Without a tokenizer, builds the vocabulary
 * from the texts: all their characters, or their most frequent words.
 *
 * @throws {Error} If a text is not UTF-8, or has a character that is not in the given vocabulary.
 */
export async function tokenize(inputs: readonly TextInput[], options: TokenizeOptions): Promise<TokenizedText> {
  const { kind, folder } = options;
  const store = new TokenStore(kind === "byte" ? Uint8Array : kind === "char" ? Uint16Array : Int32Array, { folder });
  try {
    const read = kind === "byte"
      ? await readBytes(inputs, store)
      : await readSegments(inputs, store, { ...options, kind });
    return { ...read, hash: store.hash, [Symbol.dispose]: () => store[Symbol.dispose]() };
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

type Read = Omit<TokenizedText, "hash" | typeof Symbol.dispose>;

/** A text of another encoding as bytes of UTF-8. */
async function* inUtf8(input: TextInput): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  for await (const text of decodeText(input)) yield encoder.encode(text);
}

async function readBytes(inputs: readonly TextInput[], tokens: TokenStore): Promise<Read> {
  for (const input of inputs) {
    for await (const bytes of input.encoding === undefined ? input.bytes() : inUtf8(input)) {
      for (const byte of bytes) tokens.push(byte);
    }
  }
  return { tokenizer: makeTokenizer("byte", []), tokens, characters: tokens.length, unknown: 0 };
}

/** Reads characters or words. */
async function readSegments(
  inputs: readonly TextInput[],
  tokens: TokenStore,
  { kind, tokenizer, vocabularySize = Infinity }: TokenizeOptions & { readonly kind: "char" | "word" },
): Promise<Read> {
  const ids = new Map<string, number>(tokenizer?.vocabulary.map((token, id) => [token, id]));
  const unknown = ids.get(UNKNOWN);
  const counts: number[] = [];
  let characters = 0;
  for (const input of inputs) {
    for await (const text of wholeWords(decodeText(input), kind)) {
      for (const part of segment(kind, text)) {
        characters += kind === "char" ? 1 : [...part].length;
        let id = ids.get(part) ?? unknown;
        if (id === undefined) {
          if (tokenizer !== undefined) throw unknownCharacter(input.name, part);
          if (kind === "char" && ids.size === MOST_CHARACTERS) {
            throw new RangeError(
              `Cannot read ${input.name}: it must have at most ${MOST_CHARACTERS} different characters, got more; ` +
                "--tokens byte has no such limit",
            );
          }
          id = ids.size;
          ids.set(part, id);
        }
        counts[id] = (counts[id] ?? 0) + 1;
        tokens.push(id);
      }
    }
  }
  if (tokenizer !== undefined) {
    return { tokenizer, tokens, characters, unknown: unknown === undefined ? 0 : counts[unknown] ?? 0 };
  }
  const seen = [...ids.keys()];
  if (kind === "char") return { tokenizer: makeTokenizer(kind, seen), tokens, characters, unknown: 0 };
  // Renumber by frequency; rare words become <unk>.
  const kept = seen.map((_, id) => id).sort((a, b) => counts[b]! - counts[a]! || a - b).slice(0, vocabularySize - 1);
  const renumbered = new Int32Array(seen.length).fill(kept.length);
  kept.forEach((id, rank) => renumbered[id] = rank);
  const vocabulary = [...kept.map((id) => seen[id]!), UNKNOWN];
  return {
    tokenizer: makeTokenizer(kind, vocabulary),
    tokens: mapped(tokens, renumbered),
    characters,
    unknown: kept.reduce((left, id) => left - counts[id]!, tokens.length),
  };
}

/** The tokens with other ids. */
function mapped(tokens: TokenSource, ids: Int32Array): TokenSource {
  return {
    length: tokens.length,
    subarray: (from, to) => Int32Array.from(tokens.subarray(from, to), (id) => ids[id]!),
  };
}

/** Re-cuts chunks of text so that no word and no surrogate pair is split. */
async function* wholeWords(
  chunks: AsyncIterable<string>,
  kind: "char" | "word",
): AsyncGenerator<string, void, undefined> {
  if (kind === "char") return yield* chunks;
  let rest = "";
  for await (const chunk of chunks) {
    const text = rest + chunk;
    const cut = Math.max(text.lastIndexOf(" "), text.lastIndexOf("\n"));
    if (cut > 0) yield text.slice(0, cut);
    rest = cut > 0 ? text.slice(cut) : text;
    // Otherwise text without spaces would accumulate in memory.
    if (rest.length > LONGEST_WORD) {
      yield rest.slice(0, LONGEST_WORD).replace(/[\uD800-\uDBFF]$/, "");
      rest = rest.slice(/[\uD800-\uDBFF]/.test(rest[LONGEST_WORD - 1]!) ? LONGEST_WORD - 1 : LONGEST_WORD);
    }
  }
  yield rest;
}

type TokenArray = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
type TokenArrayType = {
  new (buffer: ArrayBuffer): TokenArray;
  new (length: number): TokenArray;
  readonly BYTES_PER_ELEMENT: number;
};

/** Bytes kept in memory; tokens beyond that go to a file. */
const MOST_IN_MEMORY = 64 << 20;

/** Stores tokens in memory, and those of a long text in a file. */
export class TokenStore implements TokenSource, Disposable {
  readonly #type: TokenArrayType;
  readonly #folder: string | undefined;
  #memory: TokenArray;
  #inMemory = 0;
  #inFile = 0;
  #file: number | undefined;
  readonly #most: number;
  #read: Uint8Array<ArrayBuffer> = new Uint8Array();
  #hash = 0x811c9dc5;

  /**
   * @param type The array type that token ids fit into.
   * @param options The folder for the file, which is unlinked as soon as it is open; without a folder, all tokens stay
   * in memory. `most` is the maximum number of bytes to keep in memory.
   */
  constructor(
    type: TokenArrayType,
    { folder, most = MOST_IN_MEMORY }: { folder?: string | undefined; most?: number } = {},
  ) {
    this.#type = type;
    this.#folder = folder;
    this.#memory = new type(1 << 16);
    this.#most = most / type.BYTES_PER_ELEMENT;
  }

  get length(): number {
    return this.#inFile + this.#inMemory;
  }

  /** Appends a token. */
  push(token: number): void {
    if (this.#inMemory === this.#memory.length) {
      if (this.#folder !== undefined && this.#inMemory >= this.#most) this.#flush(this.#folder);
      else {
        const larger = new this.#type(2 * this.#memory.length);
        larger.set(this.#memory);
        this.#memory = larger;
      }
    }
    this.#memory[this.#inMemory++] = token;
    this.#hash = Math.imul(this.#hash ^ token, 0x01000193);
  }

  /** A hash of the tokens (FNV-1a, one token at a time). */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Moves the tokens in memory to the end of the file. */
  #flush(folder: string): void {
    if (this.#file === undefined) {
      const path = `${folder}/.tokens-${crypto.randomUUID()}`;
      this.#file = openSync(path, "wx+");
      // The file stays usable while it is open, and disappears even if the program crashes.
      unlinkSync(path);
    }
    const size = this.#type.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(this.#memory.buffer, 0, this.#inMemory * size);
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.#file, bytes, done, bytes.length - done, this.#inFile * size + done);
    }
    this.#inFile += this.#inMemory;
    this.#inMemory = 0;
  }

  /** The tokens from `from` up to but not including `to`. The next call overwrites them. */
  subarray(from: number, to: number): TokenArray {
    if (from >= this.#inFile) return this.#memory.subarray(from - this.#inFile, to - this.#inFile) as TokenArray;
    const size = this.#type.BYTES_PER_ELEMENT;
    const count = (to - from) * size;
    if (this.#read.length < count) this.#read = new Uint8Array(2 * count);
    const fromFile = (Math.min(to, this.#inFile) - from) * size;
    for (let done = 0; done < fromFile;) {
      const read = readSync(this.#file!, this.#read, done, fromFile - done, from * size + done);
      if (read === 0) {
        throw new Error("Cannot read tokens: their temporary file must not change during the run, got a shorter file");
      }
      done += read;
    }
    const rest = to - Math.max(from, this.#inFile);
    if (rest > 0) this.#read.set(new Uint8Array(this.#memory.buffer, 0, rest * size), fromFile);
    return new this.#type(this.#read.buffer).subarray(0, to - from) as TokenArray;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}
