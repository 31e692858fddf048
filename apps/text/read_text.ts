import { readingFailed } from "../shared/files.ts";

/** Where text comes from. */
export interface TextInput {
  /** For messages. */
  readonly name: string;
  /** The bytes, a piece at a time. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** How many bytes are read at a time. */
const PIECE = 1 << 20;

/** A file. */
export function fileInput(path: string): TextInput {
  return {
    name: path,
    async *bytes() {
      const failed = (error: unknown) => {
        throw readingFailed(path, error);
      };
      using file = await Deno.open(path).catch(failed);
      const piece = new Uint8Array(PIECE);
      while (true) {
        const count = await file.read(piece).catch(failed);
        if (count === null) return;
        yield piece.subarray(0, count);
      }
    },
  };
}

/** What is written into the program. */
export function standardInput(): TextInput {
  return { name: "stdin", bytes: () => Deno.stdin.readable };
}

/** A text that is there already. */
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
 * Decodes a text a piece at a time.
 *
 * @throws {Error} If it is not UTF-8; the message says from which byte on.
 */
export async function* decodeText(input: TextInput): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const failed = (offset: number) =>
    new Error(
      `Cannot read ${input.name}: it must be text in UTF-8, got other bytes from byte ${offset} on; a model of --tokens byte takes any`,
    );
  // Bytes before the piece, and those of them that wait in the decoder for the rest of their character.
  let [before, waiting] = [0, new Uint8Array()];
  for await (const piece of input.bytes()) {
    try {
      yield decoder.decode(piece, { stream: true });
    } catch {
      const whole = new Uint8Array([...waiting, ...piece]);
      throw failed(before - waiting.length + firstBadByte(whole));
    }
    before += piece.length;
    waiting = lastCharacter(new Uint8Array([...waiting, ...piece.slice(-4)]));
  }
  try {
    yield decoder.decode();
  } catch {
    throw failed(before - waiting.length);
  }
}

/** The bytes at the end that begin a character and do not end it. */
function lastCharacter(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.slice(-back) : new Uint8Array();
  }
  return new Uint8Array();
}

/** Where bytes stop being UTF-8: the longest beginning that still may go on well, by bisection. */
function firstBadByte(bytes: Uint8Array): number {
  const isGood = (length: number) => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isGood(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
