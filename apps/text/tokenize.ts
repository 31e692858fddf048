import type { TokenSource } from "@unfold/training";
import { decodeText, type TextInput } from "./read_text.ts";
import { makeTokenizer, piecesOf, type Tokenizer, type TokenKind, UNKNOWN, unknownCharacter } from "./tokenizer.ts";

type Numbers = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
type NumbersType = {
  new (buffer: ArrayBuffer): Numbers;
  new (length: number): Numbers;
  readonly BYTES_PER_ELEMENT: number;
};

/** Bytes that are held in memory; what is longer goes to a file. */
const MOST_IN_MEMORY = 64 << 20;

/**
 * Takes the tokens of a text as they come, and gives them back a piece at a time: from memory, or a long text from a
 * file.
 */
export class TokenStore implements TokenSource, Disposable {
  readonly #type: NumbersType;
  readonly #folder: string | undefined;
  #memory: Numbers;
  #inMemory = 0;
  #inFile = 0;
  #file: Deno.FsFile | undefined;
  readonly #most: number;
  #read: Uint8Array<ArrayBuffer> = new Uint8Array();
  #hash = 0x811c9dc5;

  /**
   * @param type The kind of array that tokens fit into.
   * @param options Where the file goes, which has no name that others could see; without it all stays in memory.
   */
  constructor(
    type: NumbersType,
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

  /** Adds a token. */
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

  /** What tells these tokens from others (FNV-1a, a token at a time). */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Writes what is in memory behind what is in the file. */
  #flush(folder: string): void {
    if (this.#file === undefined) {
      const path = Deno.makeTempFileSync({ dir: folder, prefix: ".tokens-" });
      this.#file = Deno.openSync(path, { read: true, write: true });
      // Whatever happens to this program, nothing is left behind.
      Deno.removeSync(path);
    }
    this.#file.seekSync(0, Deno.SeekMode.End);
    let bytes = new Uint8Array(this.#memory.buffer, 0, this.#inMemory * this.#type.BYTES_PER_ELEMENT);
    while (bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
    this.#inFile += this.#inMemory;
    this.#inMemory = 0;
  }

  /** Those from one to before another; written over by the next call. */
  subarray(from: number, to: number): Numbers {
    if (from >= this.#inFile) return this.#memory.subarray(from - this.#inFile, to - this.#inFile) as Numbers;
    const size = this.#type.BYTES_PER_ELEMENT;
    const count = (to - from) * size;
    if (this.#read.length < count) this.#read = new Uint8Array(2 * count);
    const fromFile = (Math.min(to, this.#inFile) - from) * size;
    this.#file!.seekSync(from * size, Deno.SeekMode.Start);
    for (let done = 0; done < fromFile;) {
      const read = this.#file!.readSync(this.#read.subarray(done, fromFile));
      if (read === null) throw new Error("Cannot read tokens: their file must be as it was written, got less");
      done += read;
    }
    const rest = to - Math.max(from, this.#inFile);
    if (rest > 0) this.#read.set(new Uint8Array(this.#memory.buffer, 0, rest * size), fromFile);
    return new this.#type(this.#read.buffer).subarray(0, to - from) as Numbers;
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}

/** Characters without a space between them from which on they are cut. */
const LONGEST_WORD = 1 << 20;

/** More characters than any script has are no text. */
const MOST_CHARACTERS = 1 << 16;

/** A text as tokens. */
export interface TokenizedText extends Disposable {
  readonly tokenizer: Tokenizer;
  readonly tokens: TokenSource;
  /** Characters in the text; of bytes, bytes. */
  readonly characters: number;
  /** Tokens that stand for what the vocabulary has not. */
  readonly unknown: number;
  /** What tells this text from others. */
  readonly hash: number;
}

/** What {@linkcode tokenize} may be told. */
interface TokenizeOptions {
  readonly kind: TokenKind;
  /** Words that are kept, the most frequent ones; all of them where it is left out. */
  readonly vocabularySize?: number;
  /** Where a long text's tokens go. */
  readonly folder?: string;
  /** What a model learned from; its vocabulary is not changed. */
  readonly tokenizer?: Tokenizer;
}

/**
 * Reads texts one after the other, a piece at a time, and turns them into tokens. Without a tokenizer the vocabulary is
 * that of the text: all of its characters, or its most frequent words.
 *
 * @throws {Error} If a text is not UTF-8, or has a character that a given tokenizer does not know.
 */
export async function tokenize(inputs: readonly TextInput[], options: TokenizeOptions): Promise<TokenizedText> {
  const { kind, folder } = options;
  const store = new TokenStore(kind === "byte" ? Uint8Array : kind === "char" ? Uint16Array : Int32Array, { folder });
  try {
    const read = kind === "byte"
      ? await readBytes(inputs, store)
      : await readPieces(inputs, store, { ...options, kind });
    return { ...read, hash: store.hash, [Symbol.dispose]: () => store[Symbol.dispose]() };
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

/** What is known of a text once it was read. */
type Read = Omit<TokenizedText, "hash" | typeof Symbol.dispose>;

async function readBytes(inputs: readonly TextInput[], tokens: TokenStore): Promise<Read> {
  for (const input of inputs) {
    for await (const bytes of input.bytes()) for (const byte of bytes) tokens.push(byte);
  }
  return { tokenizer: makeTokenizer("byte", []), tokens, characters: tokens.length, unknown: 0 };
}

async function readPieces(
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
      for (const piece of piecesOf(kind, text)) {
        characters += kind === "char" ? 1 : [...piece].length;
        let id = ids.get(piece) ?? unknown;
        if (id === undefined) {
          if (tokenizer !== undefined) throw unknownCharacter(input.name, piece);
          if (kind === "char" && ids.size === MOST_CHARACTERS) {
            throw new RangeError(
              `Cannot read ${input.name}: it must have at most ${MOST_CHARACTERS} different characters; --tokens byte takes any`,
            );
          }
          id = ids.size;
          ids.set(piece, id);
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
  const kept = seen.map((_, id) => id).sort((a, b) => counts[b]! - counts[a]! || a - b).slice(0, vocabularySize - 1);
  const renamed = new Int32Array(seen.length).fill(kept.length);
  kept.forEach((id, rank) => renamed[id] = rank);
  const vocabulary = [...kept.map((id) => seen[id]!), UNKNOWN];
  return {
    tokenizer: makeTokenizer(kind, vocabulary),
    tokens: mapped(tokens, renamed),
    characters,
    unknown: kept.reduce((left, id) => left - counts[id]!, tokens.length),
  };
}

/** Tokens by other numbers. */
function mapped(tokens: TokenSource, names: Int32Array): TokenSource {
  return {
    length: tokens.length,
    subarray: (from, to) => Int32Array.from(tokens.subarray(from, to), (id) => names[id]!),
  };
}

/** The pieces of a text, cut where no word or pair of surrogates is cut. */
async function* wholeWords(
  pieces: AsyncIterable<string>,
  kind: "char" | "word",
): AsyncGenerator<string, void, undefined> {
  if (kind === "char") return yield* pieces;
  let rest = "";
  for await (const piece of pieces) {
    const text = rest + piece;
    const cut = Math.max(text.lastIndexOf(" "), text.lastIndexOf("\n"));
    if (cut > 0) yield text.slice(0, cut);
    rest = cut > 0 ? text.slice(cut) : text;
    // Without a space a text is no words; it is not held for that.
    if (rest.length > LONGEST_WORD) {
      yield rest.slice(0, LONGEST_WORD).replace(/[\uD800-\uDBFF]$/, "");
      rest = rest.slice(/[\uD800-\uDBFF]/.test(rest[LONGEST_WORD - 1]!) ? LONGEST_WORD - 1 : LONGEST_WORD);
    }
  }
  yield rest;
}
