/**
 * Makes a damaged safetensors file valid in the parts that are checked first, so that damage to the rest reaches the code
 * behind these checks.
 *
 * @module
 */

/** What precedes the checksum in the header of a checkpoint, and its length. */
const FIELD = new TextEncoder().encode('"sha256":"');
const HEX = 64;

/** The length of a header: JSON, by its brackets, and the spaces after it; undefined if the brackets do not match. */
function headerLength(bytes: Uint8Array): number | undefined {
  let [depth, isText] = [0, false];
  for (let at = 0; at < bytes.length; at++) {
    const char = String.fromCharCode(bytes[at]!);
    if (isText && char === "\\") at++;
    else if (char === '"') isText = !isText;
    else if (!isText && (char === "{" || char === "[")) depth++;
    else if (!isText && (char === "}" || char === "]") && --depth <= 0) {
      do at++; while (bytes[at] === 0x20);
      return at;
    }
  }
  return undefined;
}

/** A copy whose first bytes give the length of its header, if the header has an end. */
export function withHeaderLength(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const length = headerLength(file.subarray(8));
  const repaired = file.slice();
  if (length !== undefined) new DataView(repaired.buffer).setBigUint64(0, BigInt(length), true);
  return repaired;
}

/** A copy whose header gives its own checksum, if it has one, as checkpoints have. */
export async function withChecksum(file: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const repaired = file.slice();
  const field = repaired.findIndex((_, i) => FIELD.every((byte, k) => repaired[i + k] === byte));
  const at = field + FIELD.length;
  if (field < 0 || at + HEX > repaired.length) return repaired;
  repaired.fill("0".charCodeAt(0), at, at + HEX);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", repaired));
  repaired.set(new TextEncoder().encode(digest.toHex()), at);
  return repaired;
}
