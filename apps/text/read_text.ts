import { createReadStream } from "node:fs";
import process from "node:process";
import { readingFailed } from "../shared/files.ts";
import { encodingName, firstBadByte, sniffEncoding, strictDecoder } from "../shared/tables/decode.ts";

/** A source of text. */
export interface TextInput {
  /** The name shown in messages. */
  readonly name: string;
  /** Any label of the Encoding standard. Default: by a byte-order mark, as UTF-16 if it looks like that, else UTF-8. */
  readonly encoding?: string;
  /** The bytes, in chunks. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** The size of a chunk read from a file, in bytes. */
const CHUNK = 1 << 20;

/** Reads a file. */
export function fileInput(path: string, encoding?: string): TextInput {
  return {
    name: path,
    ...(encoding !== undefined && { encoding }),
    async *bytes() {
      try {
        yield* createReadStream(path, { highWaterMark: CHUNK });
      } catch (error) {
        throw readingFailed(path, error);
      }
    },
  };
}

/** Reads standard input. */
export function standardInput(encoding?: string): TextInput {
  return { name: "stdin", ...(encoding !== undefined && { encoding }), bytes: () => process.stdin };
}

/** Reads a string. */
export function givenText(name: string, text: string): TextInput {
  return {
    name,
    async *bytes() {
      await Promise.resolve();
      yield new TextEncoder().encode(text);
    },
  };
}

/**
 * Decodes text chunk by chunk. Line ends become \n, so that the same text from another system has the same tokens.
 *
 * @throws {Error} If bytes cannot be decoded; the message gives the offset of the first bad one.
 */
export async function* decodeText(input: TextInput): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | undefined;
  // Bytes of a file's start until its encoding shows, and a carriage return that may be half a line end.
  let [head, held] = [new Uint8Array(), ""];
  // Bytes before this chunk, and the last few of them, in which a character may begin that this chunk completes.
  let [before, pending] = [0, new Uint8Array()];
  const withLineEnds = (text: string) => {
    const whole = held + text;
    held = whole.endsWith("\r") ? "\r" : "";
    return (held === "" ? whole : whole.slice(0, -1)).replace(/\r\n?/g, "\n");
  };
  const decode = (bytes: Uint8Array, options?: TextDecodeOptions) => {
    try {
      return decoder!.decode(bytes, options);
    } catch {
      const { encoding } = decoder!;
      const offset = before - pending.length + firstBadByte(joined(pending, bytes), encoding);
      throw new Error(
        `Cannot read ${input.name}: it must be ${encodingName(encoding)} text, got an invalid byte sequence at byte ` +
          `${offset}; --encoding names another encoding, such as windows-1252, and --tokens byte reads any file`,
      );
    }
  };
  for await (const chunk of input.bytes()) {
    if (decoder === undefined) {
      head = joined(head, chunk);
      if (head.length < PROBE) continue;
    }
    const bytes = decoder === undefined ? start(head) : chunk;
    yield withLineEnds(decode(bytes, { stream: true }));
    advance(bytes);
  }
  if (decoder === undefined) {
    const bytes = start(head);
    yield withLineEnds(decode(bytes, { stream: true }));
    advance(bytes);
  }
  yield withLineEnds(decode(new Uint8Array()));
  if (held !== "") yield "\n";

  /** Chooses the decoder by the first bytes, and skips a byte-order mark. */
  function start(head: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { encoding, mark } = sniffEncoding(head, input.encoding);
    decoder = strictDecoder(encoding, input.name);
    before = mark;
    return head.subarray(mark);
  }

  function advance(bytes: Uint8Array): void {
    before += bytes.length;
    pending = incompleteEnd(joined(pending, bytes.slice(-4)), decoder!.encoding);
  }
}

/** Bytes that a text waits for before it is decoded: enough for a byte-order mark, so that lines come out as they come in. */
const PROBE = 4;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** The bytes of UTF-8 at the end that begin a character but do not complete it. */
function incompleteEnd(bytes: Uint8Array, encoding: string): Uint8Array<ArrayBuffer> {
  if (encoding !== "utf-8") return new Uint8Array();
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.slice(-back) as Uint8Array<ArrayBuffer> : new Uint8Array();
  }
  return new Uint8Array();
}
