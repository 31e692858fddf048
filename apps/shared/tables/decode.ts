import { failIn, type Note, note } from "./table.ts";

/** A file as text. */
export interface DecodedText {
  readonly text: string;
  /** The encoding's name in the Encoding standard, such as utf-8. */
  readonly encoding: string;
  readonly notes: readonly Note[];
}

/** How files of other programs begin, and what to do with them. */
const BINARY: readonly [begins: readonly number[], what: string][] = [
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Excel workbook; save the sheet as CSV"],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file; write it as CSV"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF; it must be a table in text"],
  [[0x42, 0x5a, 0x68], "a bzip2 archive; unpack it"],
  [[0xfd, 0x37, 0x7a, 0x58], "an xz archive; unpack it"],
  [[0x28, 0xb5, 0x2f, 0xfd], "a Zstandard archive; unpack it"],
];
/** Bytes that are looked at to tell UTF-16 from UTF-8. */
const PROBE = 1 << 16;
/** Bytes that are decoded at a time in the search for one that cannot be. */
const PIECE = 1 << 16;
const LABELS = "utf-8, utf-16le, windows-1252, iso-8859-2, windows-1251, shift_jis or gb18030";

function startsWith(bytes: Uint8Array, begins: readonly number[]): boolean {
  return begins.every((byte, i) => bytes[i] === byte);
}

/**
 * Unpacks a file if it is gzip; other files stay as they are.
 *
 * @throws {TableError} If the gzip data are damaged.
 */
export async function unpack(bytes: Uint8Array<ArrayBuffer>, file: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!startsWith(bytes, [0x1f, 0x8b])) return bytes;
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return failIn(file)("it must be whole gzip data, got damaged or cut ones; fetch the file again");
  }
}

/** The encoding that a byte-order mark names, and the mark's length. */
function markOf(bytes: Uint8Array): [encoding: string, length: number] | undefined {
  if (startsWith(bytes, [0xef, 0xbb, 0xbf])) return ["utf-8", 3];
  if (startsWith(bytes, [0xff, 0xfe])) return ["utf-16le", 2];
  return startsWith(bytes, [0xfe, 0xff]) ? ["utf-16be", 2] : undefined;
}

/** UTF-16 without a mark: its line ends, digits and Latin letters have a zero byte, always on the same side. */
function unmarkedUtf16(bytes: Uint8Array): string | undefined {
  const zeros = [0, 0] as [number, number];
  const probe = bytes.subarray(0, PROBE);
  for (let at = probe.indexOf(0); at >= 0; at = probe.indexOf(0, at + 1)) zeros[at % 2 as 0 | 1]++;
  const [even, odd] = zeros;
  if (even + odd === 0 || Math.min(even, odd) > 0.05 * (even + odd)) return undefined;
  return odd > even ? "utf-16le" : "utf-16be";
}

/**
 * The encoding of a file, and the length of its byte-order mark; UTF-8 if nothing else shows.
 *
 * @param bytes Its first bytes, or all of them.
 * @param option An encoding that the user names. A byte-order mark overrules it.
 */
export function sniffEncoding(bytes: Uint8Array, option?: string, isWhole = false): { encoding: string; mark: number } {
  const mark = markOf(bytes);
  if (mark !== undefined) return { encoding: mark[0], mark: mark[1] };
  const isOdd = isWhole && bytes.length % 2 === 1;
  return { encoding: option ?? (isOdd ? undefined : unmarkedUtf16(bytes)) ?? "utf-8", mark: 0 };
}

/**
 * A decoder that refuses bytes that are not of its encoding.
 *
 * @throws {TableError} If the Encoding standard does not know the label.
 */
export function strictDecoder(label: string, file: string): TextDecoder {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true });
  } catch {
    return failIn(file)(`--encoding must be a label of the Encoding standard such as ${LABELS}, got ${label}`);
  }
}

/** What messages call an encoding. */
export function encodingName(encoding: string): string {
  return encoding.startsWith("utf-") ? encoding.toUpperCase().replace(/(16)(..)/, "$1 $2") : encoding;
}

/**
 * Decodes a file: by its byte-order mark, by the `encoding` option, as UTF-16 if it looks like that, else as UTF-8.
 *
 * @param bytes The file, unpacked.
 * @param file Its name, for messages.
 * @param encoding Any label of the Encoding standard.
 * @throws {TableError} If bytes cannot be decoded; the message names the line and `--encoding`.
 */
export function decode(bytes: Uint8Array<ArrayBuffer>, file: string, encoding?: string): DecodedText {
  const fail = failIn(file);
  const binary = BINARY.find(([begins]) => startsWith(bytes, begins));
  if (binary !== undefined) fail(`it must be text, got ${binary[1]}`);
  // The label is checked even where a mark overrules it.
  if (encoding !== undefined) strictDecoder(encoding, file);
  const { encoding: found, mark } = sniffEncoding(bytes, encoding, true);
  const decoder = strictDecoder(found, file);
  let text: string;
  try {
    text = decoder.decode(bytes.subarray(mark));
  } catch {
    return fail(undecodable(bytes, decoder.encoding, encoding !== undefined));
  }
  if (text.includes("\0")) {
    fail("it must be text, got zero bytes; if it is text, --encoding names its encoding, such as utf-16le");
  }
  const overruled = mark > 0 && encoding !== undefined && new TextDecoder(encoding).encoding !== decoder.encoding;
  const notes = overruled
    ? [note(`the byte-order mark says ${encodingName(decoder.encoding)}, so --encoding ${encoding} is ignored`)]
    : decoder.encoding === "utf-8"
    ? []
    : [note(`the text is read as ${encodingName(decoder.encoding)}`)];
  return { text, encoding: decoder.encoding, notes };
}

function undecodable(bytes: Uint8Array, encoding: string, isChosen: boolean): string {
  const offset = firstBadByte(bytes, encoding);
  let line = 1;
  for (let at = bytes.indexOf(10); at >= 0 && at < offset; at = bytes.indexOf(10, at + 1)) line++;
  const byte = bytes[offset];
  const got = byte === undefined ? "an unfinished character" : `the byte 0x${byte.toString(16).padStart(2, "0")}`;
  const name = encodingName(encoding);
  return `line ${line}: it must be text in ${name}, got ${got} at offset ${offset}; ` +
    (isChosen
      ? `--encoding must name the encoding that it is in, such as ${LABELS}`
      : "--encoding windows-1252 reads most Western files, and any label of the Encoding standard works");
}

/** Where bytes stop being of an encoding, found a piece at a time and then by bisection. */
export function firstBadByte(bytes: Uint8Array, encoding: string): number {
  let decoder = new TextDecoder(encoding, { fatal: true });
  for (let from = 0; from < bytes.length; from += PIECE) {
    try {
      decoder.decode(bytes.subarray(from, from + PIECE), { stream: true });
    } catch {
      // A character may have begun in the piece before.
      const start = Math.max(0, from - 4 + (from % 2));
      let [good, bad] = [start, Math.min(bytes.length, from + PIECE)];
      while (bad - good > 1) {
        const middle = (good + bad) >> 1;
        decoder = new TextDecoder(encoding, { fatal: true });
        try {
          // The first bytes may be the rest of a character of the piece before.
          decoder.decode(bytes.subarray(characterStart(bytes, start, encoding), middle), { stream: true });
          good = middle;
        } catch {
          bad = middle;
        }
      }
      return encoding === "utf-8" ? unfinishedFrom(bytes, good) : good;
    }
  }
  return encoding === "utf-8" ? unfinishedFrom(bytes, bytes.length) : bytes.length;
}

/** Where the character begins that the bytes before an end leave unfinished; the end itself if they leave none. */
function unfinishedFrom(bytes: Uint8Array, end: number): number {
  let start = end;
  while (start > 0 && end - start < 3 && (bytes[start - 1]! & 0xc0) === 0x80) start--;
  const lead = bytes[start - 1] ?? 0;
  const length = lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return length > end - start + 1 ? start - 1 : end;
}

/** The first place from one on where a character of UTF-8 begins. */
function characterStart(bytes: Uint8Array, from: number, encoding: string): number {
  let at = from;
  if (encoding === "utf-8") { while (at > 0 && at < from + 4 && (bytes[at]! & 0xc0) === 0x80) at++; }
  return at;
}
