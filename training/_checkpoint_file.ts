import { decodeSafetensors, encodeSafetensors, type Safetensors, type SafetensorsInput } from "@unfold/core";
import { CheckpointError } from "./checkpoint_error.ts";

/** What stands where the checksum will, while it is computed. */
const BLANK = "0".repeat(64);
/** How the checksum stands in the file's header. */
const FIELD = '"sha256":"';

/** Where the checksum stands in a file's header, if it has one. */
function checksumAt(bytes: Uint8Array): number {
  if (bytes.length < 8) return -1;
  const header = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const text = new TextDecoder("latin1").decode(bytes.subarray(8, 8 + Number(header < 1e6 ? header : 1_000_000n)));
  const at = text.indexOf(FIELD);
  return at < 0 || at + FIELD.length + BLANK.length > text.length ? -1 : 8 + at + FIELD.length;
}

async function checksumOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A safetensors file whose metadata has a checksum of all of it, the checksum's own place left blank. */
export async function encodeChecked(
  tensors: Iterable<readonly [name: string, tensor: SafetensorsInput]>,
  metadata: Record<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = encodeSafetensors(tensors, { metadata: { sha256: BLANK, ...metadata } });
  bytes.set(new TextEncoder().encode(await checksumOf(bytes)), checksumAt(bytes));
  return bytes;
}

/**
 * Reads what {@linkcode encodeChecked} made.
 *
 * @throws {CheckpointError} If a bit of it is not as it was.
 */
export async function decodeChecked(bytes: Uint8Array<ArrayBuffer>, file: string): Promise<Safetensors> {
  const at = checksumAt(bytes);
  if (at < 0) throw new CheckpointError(`Cannot read ${file}: it must be a checkpoint, and is none or was cut short`);
  const expected = new TextDecoder().decode(bytes.subarray(at, at + BLANK.length));
  const blank = bytes.slice();
  blank.set(new TextEncoder().encode(BLANK), at);
  const actual = await checksumOf(blank);
  if (actual !== expected) {
    throw new CheckpointError(
      `Cannot read ${file}: it was altered or cut short: its checksum must be ${actual}, got ${expected}`,
    );
  }
  return decodeSafetensors(bytes, { file });
}
