/** The ways to split a text into tokens. */
export const TOKEN_KINDS = ["char", "word", "byte"] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** The token for words that are not in the vocabulary. */
export const UNKNOWN = "<unk>";

/**
 * A word, a number or a punctuation mark, each with the space before it, or a single white-space character. Joining the
 * matches gives the text back.
 */
const WORD = / ?[\p{L}\p{M}'’]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]|\s/gu;

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
      throw unknownCharacter(JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text), part);
    });
  }

  decoder(): (token: number) => string {
    return (token) => this.vocabulary[token]!;
  }
}

/** The error for a character that is not in the vocabulary. */
export function unknownCharacter(where: string, character: string): RangeError {
  const got = JSON.stringify(character);
  return new RangeError(
    `Cannot read ${where}: every character must be in the model's vocabulary, got ${got}; ` +
      "a model trained with --tokens byte reads any text",
  );
}

/** Splits a text into characters, or into words, numbers, punctuation and white space. */
export function segment(kind: "char" | "word", text: string): Iterable<string> {
  return kind === "char" ? text : text.match(WORD) ?? [];
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
  return `token ids, the index in vocabulary of each match of /${WORD.source}/${WORD.flags}, or of ${UNKNOWN}`;
}

/** The name of one token of a kind. */
export function unitOf(kind: TokenKind): string {
  return kind === "char" ? "character" : kind;
}
