import { segment, UNKNOWN, WORD } from "../tokenizer.ts";

/** The ways to split a text for a classifier. */
export const CLASSIFIER_TOKENS = ["word", "char", "byte"] as const;
export type ClassifierTokens = (typeof CLASSIFIER_TOKENS)[number];

/** A part of a text that is one token. */
export interface Piece {
  /** The token's text: words are in lower case. */
  readonly text: string;
  /** Where it is in the text. */
  readonly from: number;
  readonly to: number;
}

/** The tokens of the start and the end of a text in characters: what a name begins or ends with tells more than what it contains. */
const ENDS = ["<start>", "<end>"] as const;

/**
 * Splits a text into words (with numbers and marks, without white space) or characters. Words of scripts without spaces are found
 * by their own rules.
 */
export function piecesOf(kind: "word" | "char", text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const part of segment(kind, text)) {
    const to = from + part.length;
    if (kind === "char") pieces.push({ text: part, from, to });
    else {
      const word = part.trim();
      if (word !== "") pieces.push({ text: word.toLowerCase(), from: to - word.length, to });
    }
    from = to;
  }
  if (kind === "word") return pieces;
  return [{ text: ENDS[0], from: 0, to: 0 }, ...pieces, { text: ENDS[1], from, to: from }];
}

/** Turns texts into tokens for a classifier. */
export class ClassifierTokenizer {
  readonly #ids: ReadonlyMap<string, number>;
  /** The number of different tokens. */
  readonly size: number;
  /** The token for what is not in the vocabulary. Bytes have none. */
  readonly unknown: number | undefined;

  /** @param vocabulary The text of each token, `<unk>` last; empty for bytes. */
  constructor(readonly kind: ClassifierTokens, readonly vocabulary: readonly string[]) {
    this.#ids = new Map(vocabulary.map((text, id) => [text, id]));
    this.size = kind === "byte" ? 256 : vocabulary.length;
    this.unknown = kind === "byte" ? undefined : this.#ids.get(UNKNOWN);
  }

  /** The tokens of a text. */
  encode(text: string): Int32Array {
    if (this.kind === "byte") return Int32Array.from(new TextEncoder().encode(text));
    return Int32Array.from(piecesOf(this.kind, text), (piece) => this.#ids.get(piece.text) ?? this.unknown!);
  }

  /** The text of a token; the number of a byte. */
  textOf(token: number): string {
    return this.kind === "byte" ? `byte ${token}` : this.vocabulary[token]!;
  }

  /** The place of each token in a text. The bytes of a character share its place. */
  places(text: string): { readonly from: number; readonly to: number }[] {
    if (this.kind !== "byte") return piecesOf(this.kind, text);
    const encoder = new TextEncoder();
    return piecesOf("char", text).slice(1, -1)
      .flatMap((piece) => new Array<Piece>(encoder.encode(piece.text).length).fill(piece));
  }
}

/** The fewest texts that a word of the vocabulary is in. */
const FEWEST_TEXTS = 2;

/**
 * The most frequent tokens of some texts and `<unk>`, at most `size` in total. A word must be in two texts: then a network also
 * learns what an unknown word is like. Bytes need no vocabulary.
 */
export function buildVocabulary(kind: ClassifierTokens, texts: readonly string[], size: number): string[] {
  if (kind === "byte") return [];
  const counts = new Map<string, number>();
  const inTexts = new Map<string, number>();
  for (const text of texts) {
    const words = piecesOf(kind, text).map((piece) => piece.text);
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    for (const word of new Set(words)) inTexts.set(word, (inTexts.get(word) ?? 0) + 1);
  }
  const fewest = kind === "word" ? FEWEST_TEXTS : 1;
  const kept = [...counts].filter(([word]) => inTexts.get(word)! >= fewest).sort(([, a], [, b]) => b - a);
  return [...kept.slice(0, size - 1).map(([word]) => word), UNKNOWN];
}

/** Describes how a text becomes token ids. */
export function encodingOf({ kind }: ClassifierTokenizer): string {
  if (kind === "byte") return "token ids, the UTF-8 bytes of the text";
  if (kind === "char") {
    return `token ids, the index in vocabulary of ${ENDS[0]}, of each character, or of ${UNKNOWN}, and of ${ENDS[1]}`;
  }
  return `token ids, the index in vocabulary of each match of /${WORD.source}/${WORD.flags} without white space and in lower ` +
    `case, or of ${UNKNOWN}; matches that are white space are left out; matches with Chinese, Japanese, Thai, Lao, Khmer or ` +
    'Burmese letters are split by Intl.Segmenter("und", word) first';
}
