/** What a text is cut into. */
export const TOKEN_KINDS = ["char", "word", "byte"] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** What stands for words that the vocabulary has not. */
export const UNKNOWN = "<unk>";

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

/** What is said of a character that the vocabulary has not. */
export function unknownCharacter(where: string, character: string): RangeError {
  return new RangeError(
    `Cannot read ${where}: the model must know every character, got ${
      JSON.stringify(character)
    }, which was not in the text ` +
      "that it learned from; a model of --tokens byte knows all",
  );
}

/** A text cut into characters, or into words and what stands between them. */
export function piecesOf(kind: "char" | "word", text: string): Iterable<string> {
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
