import { quoted } from "../shared/printable.ts";

/** The ways to split a text into tokens. */
export const TOKEN_KINDS = ["char", "word", "byte"] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** The token for words that are not in the vocabulary. */
export const UNKNOWN = "<unk>";

/**
 * A word, a number or a punctuation mark, each with the space before it, or a single white-space character. Joining the
 * matches gives the text back.
 */
export const WORD = / ?[\p{L}\p{M}'’]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]|\s/gu;

/** Turns text into tokens and back. */
export interface Tokenizer {
  readonly kind: TokenKind;
  /** The text of each token; empty for bytes. */
  readonly vocabulary: readonly string[];
  /** The number of distinct tokens. */
  readonly size: number;
  /**
   * Encodes a text as token ids.
   *
   * @throws {RangeError} If a character is not in the vocabulary.
   */
  encode(text: string): Int32Array;
  /** Returns a function that decodes one token at a time. For bytes, it returns a character once it is complete. */
  decoder(): (token: number) => string;
}

/** Makes a tokenizer. */
export function makeTokenizer(kind: TokenKind, vocabulary: readonly string[]): Tokenizer {
  return kind === "byte" ? new ByteTokenizer() : new VocabularyTokenizer(kind, vocabulary);
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
    return Int32Array.from(segment(this.kind, text), (part, index) => {
      // The first word of a text has no space before it, but the vocabulary may have it with a space.
      const spaced = this.kind === "word" && index === 0 ? this.#ids.get(` ${part}`) : undefined;
      const id = this.#ids.get(part) ?? spaced ?? this.#ids.get(UNKNOWN);
      if (id !== undefined) return id;
      throw unknownCharacter(quoted(text, 40), part);
    });
  }

  decoder(): (token: number) => string {
    return (token) => this.vocabulary[token]!;
  }
}

/** The error for a character that is not in the vocabulary. */
export function unknownCharacter(where: string, character: string): RangeError {
  const got = quoted(character);
  return new RangeError(
    `Cannot read ${where}: every character must be in the model's vocabulary, got ${got}; ` +
      "a model trained with --tokens byte reads any text",
  );
}

/** Scripts that are written without spaces between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
/** Splits text of these scripts into words, by dictionaries of the engine. */
let segmenter: Intl.Segmenter | undefined;
/** Characters that are segmented at a time: the dictionaries need a few to both sides. */
const SEGMENTED = 4096;

/**
 * Splits a text into characters, or into words, numbers, punctuation and white space. Scripts without spaces are split by
 * their own rules (Unicode Standard Annex 29, with dictionaries). Joining the parts gives the text back.
 */
export function segment(kind: "char" | "word", text: string): Iterable<string> {
  if (kind === "char") return text;
  const parts = text.match(WORD) ?? [];
  return UNSPACED.test(text) ? parts.flatMap((part) => UNSPACED.test(part) ? unspacedWords(part) : [part]) : parts;
}

function unspacedWords(text: string): string[] {
  segmenter ??= new Intl.Segmenter("und", { granularity: "word" });
  const words: string[] = [];
  for (let from = 0; from < text.length;) {
    // No pair of surrogates and no mark is cut from its letter.
    let to = Math.min(text.length, from + SEGMENTED);
    while (to < text.length && /^[\p{M}\uDC00-\uDFFF]/u.test(text.slice(to, to + 1))) to++;
    for (const { segment } of segmenter.segment(text.slice(from, to))) words.push(segment);
    from = to;
  }
  return words;
}

/** The most frequent tokens of some texts and `<unk>`, at most `size` in total. Bytes need no vocabulary. */
export function buildVocabulary(kind: TokenKind, texts: readonly string[], size: number): string[] {
  if (kind === "byte") return [];
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const part of segment(kind, text)) counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  const kept = [...counts].sort(([, a], [, b]) => b - a).slice(0, size - 1).map(([part]) => part);
  return [...kept, UNKNOWN];
}

/** Describes how a text becomes token ids. */
export function encodingOf({ kind }: Tokenizer): string {
  if (kind === "byte") return "token ids, the UTF-8 bytes of the text";
  if (kind === "char") return "token ids, the index of each character in vocabulary";
  return `token ids, the index in vocabulary of each match of /${WORD.source}/${WORD.flags}, or of ${UNKNOWN}; matches ` +
    'with Chinese, Japanese, Thai, Lao, Khmer or Burmese letters are split by Intl.Segmenter("und", word) first';
}

/** The name of one token of a kind. */
export function unitOf(kind: TokenKind): string {
  return kind === "char" ? "character" : kind;
}
