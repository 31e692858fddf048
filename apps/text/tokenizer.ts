import type { TokenSource } from "@unfold/training";
import { decodeText, type TextInput } from "./read_text.ts";
import { TokenStore } from "./token_store.ts";

/** What a text is cut into. */
export const TOKEN_KINDS = ["char", "word", "byte"] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** What stands for words that the vocabulary has not. */
export const UNKNOWN = "<unk>";

/** Characters without a space between them from which on they are cut. */
const LONGEST_WORD = 1 << 20;

/** More characters than any script has are no text. */
const MOST_CHARACTERS = 1 << 16;

/**
 * A word, a number, punctuation or a line break, each with the space before it: put together again they are the text.
 */
const WORD = / ?[\p{L}\p{M}'’]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]|\s/gu;

/** Turns text into tokens and back. */
export interface Tokenizer {
  readonly kind: TokenKind;
  /** What each token is written as; of bytes, nothing. */
  readonly vocabulary: readonly string[];
  /** How many tokens there are. */
  readonly size: number;
  /**
   * A text as tokens.
   *
   * @throws {RangeError} If a character is not in the vocabulary.
   */
  encode(text: string): Int32Array;
  /** Makes a function that turns token after token into text; bytes are text when a character is whole. */
  decoder(): (token: number) => string;
}

class ByteTokenizer implements Tokenizer {
  readonly kind = "byte";
  readonly vocabulary = [];
  readonly size = 256;

  encode(text: string): Int32Array {
    return Int32Array.from(new TextEncoder().encode(text));
  }

  decoder(): (token: number) => string {
    const decoder = new TextDecoder();
    return (token) => decoder.decode(Uint8Array.of(token), { stream: true });
  }
}

class VocabularyTokenizer implements Tokenizer {
  readonly size: number;
  readonly #ids: ReadonlyMap<string, number>;

  constructor(readonly kind: "char" | "word", readonly vocabulary: readonly string[]) {
    this.size = vocabulary.length;
    this.#ids = new Map(vocabulary.map((token, id) => [token, id]));
  }

  encode(text: string): Int32Array {
    return Int32Array.from(piecesOf(this.kind, text), (piece, index) => {
      // The first word of a text is that with a space before it.
      const spaced = this.kind === "word" && index === 0 ? this.#ids.get(` ${piece}`) : undefined;
      const id = this.#ids.get(piece) ?? spaced ?? this.#ids.get(UNKNOWN);
      if (id !== undefined) return id;
      throw unknownCharacter(JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text), piece);
    });
  }

  decoder(): (token: number) => string {
    return (token) => this.vocabulary[token]!;
  }
}

function unknownCharacter(where: string, character: string): RangeError {
  return new RangeError(
    `Cannot read ${where}: the model must know every character, got ${
      JSON.stringify(character)
    }, which was not in the text ` +
      "that it learned from; a model of --tokens byte knows all",
  );
}

function piecesOf(kind: "char" | "word", text: string): Iterable<string> {
  return kind === "char" ? text : text.match(WORD) ?? [];
}

/** Makes a tokenizer from what was saved of one. */
export function makeTokenizer(kind: TokenKind, vocabulary: readonly string[]): Tokenizer {
  return kind === "byte" ? new ByteTokenizer() : new VocabularyTokenizer(kind, vocabulary);
}

/** How a text becomes tokens, in words. */
export function encodingOf({ kind }: Tokenizer): string {
  if (kind === "byte") return "tokens, the bytes of the text in UTF-8";
  const places = "their places in vocabulary";
  if (kind === "char") return `tokens, the characters of the text as ${places}`;
  return `tokens, the pieces of the text that /${WORD.source}/${WORD.flags} finds as ${places}, others as ${UNKNOWN}`;
}

/** The most frequent pieces of some texts, and what stands for all others. Of bytes there is no vocabulary. */
export function buildVocabulary(kind: TokenKind, texts: readonly string[], size: number): string[] {
  if (kind === "byte") return [];
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const piece of piecesOf(kind, text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  const kept = [...counts].sort(([, a], [, b]) => b - a).slice(0, size - 1).map(([piece]) => piece);
  return [...kept, UNKNOWN];
}

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
export interface TokenizeOptions {
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
  return { tokenizer: new ByteTokenizer(), tokens, characters: tokens.length, unknown: 0 };
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
  if (kind === "char") return { tokenizer: new VocabularyTokenizer(kind, seen), tokens, characters, unknown: 0 };
  const kept = seen.map((_, id) => id).sort((a, b) => counts[b]! - counts[a]! || a - b).slice(0, vocabularySize - 1);
  const renamed = new Int32Array(seen.length).fill(kept.length);
  kept.forEach((id, rank) => renamed[id] = rank);
  const vocabulary = [...kept.map((id) => seen[id]!), UNKNOWN];
  return {
    tokenizer: new VocabularyTokenizer(kind, vocabulary),
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
