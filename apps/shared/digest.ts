import { Buffer } from "node:buffer";

/** Sixteen hexadecimal digits that identify texts and numbers, in this order. */
export async function digestOf(...parts: readonly (string | Float64Array)[]): Promise<string> {
  const bytes = parts.map((part) =>
    typeof part === "string"
      ? new TextEncoder().encode(part)
      : new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
  );
  const all = new Uint8Array(bytes.reduce((total, { length }) => total + 8 + length, 0));
  let at = 0;
  for (const part of bytes) {
    // Its length comes first, so that no text can run into the next.
    new DataView(all.buffer).setFloat64(at, part.length);
    all.set(part, at + 8);
    at += 8 + part.length;
  }
  return Buffer.from(await crypto.subtle.digest("SHA-256", all)).toString("hex").slice(0, 16);
}
