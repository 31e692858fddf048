/**
 * Makes the engine look as if it had no relaxed SIMD, so that tests use the fallback kernels:
 * `deno test --preload=tools/plain_simd.ts`.
 */

/** Encodings of the relaxed multiply-add instructions. */
const RELAXED = [[0xfd, 0x85, 0x02], [0xfd, 0x86, 0x02]];

const { validate } = WebAssembly;
WebAssembly.validate = (source) => {
  const bytes = new Uint8Array(source as ArrayBuffer);
  const relaxed = bytes.some((_, at) => RELAXED.some((opcode) => opcode.every((byte, i) => bytes[at + i] === byte)));
  return !relaxed && validate(source);
};
