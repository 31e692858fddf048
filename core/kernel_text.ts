/**
 * The digits from 0 to 85, of a byte modulo 86: ASCII that needs no escape in a string. A brace before the digit adds 86 or 172.
 *
 * Unlike base64, a byte is the same text wherever it stands, so compressors find what repeats: half the size.
 */
const DIGITS = "!#%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz";
const HIGHER = ["", "{", "}"];

/** WebAssembly as text, for the files that `deno task kernels` writes. */
export function textFromBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => HIGHER[Math.floor(byte / 86)]! + DIGITS[byte % 86]!).join("");
}

/** The bytes of {@linkcode textFromBytes}. */
export function bytesFromText(text: string): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(128);
  for (let value = 0; value < DIGITS.length; value++) values[DIGITS.charCodeAt(value)] = value;
  const [first, second] = [HIGHER[1]!.charCodeAt(0), HIGHER[2]!.charCodeAt(0)];
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === first) bytes[length]! += 86;
    else if (code === second) bytes[length]! += 172;
    else bytes[length++]! += values[code]!;
  }
  return bytes.slice(0, length);
}
