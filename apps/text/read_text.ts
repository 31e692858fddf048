import { readingFailed } from "../shared/files.ts";

/** A source of text. */
export interface TextInput {
  /** The name shown in messages. */
  readonly name: string;
  /** The bytes, in chunks. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** The size of a chunk read from a file, in bytes. */
const CHUNK = 1 << 20;

/** Reads a file. */
export function fileInput(path: string): TextInput {
  return {
    name: path,
    async *bytes() {
      const failed = (error: unknown) => {
        throw readingFailed(path, error);
      };
      using file = await Deno.open(path).catch(failed);
      const chunk = new Uint8Array(CHUNK);
      while (true) {
        const count = await file.read(chunk).catch(failed);
        if (count === null) return;
        yield chunk.subarray(0, count);
      }
    },
  };
}

/** Reads standard input. */
export function standardInput(): TextInput {
  return { name: "stdin", bytes: () => Deno.stdin.readable };
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
 * Decodes UTF-8 chunk by chunk.
 *
 * @throws {Error} If the bytes are not valid UTF-8; the message gives the offset of the first bad byte.
 */
export async function* decodeText(input: TextInput): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const failed = (offset: number) =>
    new Error(
      `Cannot read ${input.name}: it must be UTF-8 text, got an invalid byte sequence at byte ${offset}; ` +
        "--tokens byte reads any file",
    );
  // The number of bytes before this chunk, and the last of them if they start a character that this chunk completes.
  let [before, pending] = [0, new Uint8Array()];
  for await (const chunk of input.bytes()) {
    try {
      yield decoder.decode(chunk, { stream: true });
    } catch {
      const whole = new Uint8Array([...pending, ...chunk]);
      throw failed(before - pending.length + firstBadByte(whole));
    }
    before += chunk.length;
    pending = incompleteEnd(new Uint8Array([...pending, ...chunk.slice(-4)]));
  }
  try {
    yield decoder.decode();
  } catch {
    throw failed(before - pending.length);
  }
}

/** The incomplete character at the end, if any. */
function incompleteEnd(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.slice(-back) : new Uint8Array();
  }
  return new Uint8Array();
}

/** The offset of the first byte that is not valid UTF-8, found by bisection. */
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
