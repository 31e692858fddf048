import type { Communicator, Numbers, Reduction } from "./communicator.ts";

const REDUCTIONS: readonly Reduction[] = ["sum", "mean", "max"];

/** Throws a `TypeError` unless numbers can be put together in this way. */
export function checkReduction(x: Numbers, reduction: Reduction): void {
  if (!(x instanceof Float32Array || x instanceof Float64Array)) {
    throw new TypeError(`Cannot all-reduce: x must be a Float32Array or a Float64Array, got ${describe(x)}`);
  }
  if (!REDUCTIONS.includes(reduction)) {
    throw new TypeError(`Cannot all-reduce: the reduction must be one of ${REDUCTIONS.join(", ")}, got ${reduction}`);
  }
}

/** The bytes of an array, checked together with the rank that they come from. */
export function bytesToBroadcast(
  x: ArrayBufferView<ArrayBuffer>,
  root: number,
  { size }: Pick<Communicator, "size">,
): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(x)) throw new TypeError(`Cannot broadcast: x must be a typed array, got ${describe(x)}`);
  if (!(Number.isInteger(root) && root >= 0 && root < size)) {
    throw new RangeError(`Cannot broadcast: root must be a rank from 0 to ${size - 1}, got ${root}`);
  }
  return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? value.constructor.name : typeof value;
}

/** Throws a `RangeError` unless a count is an integer of 1 or more. */
export function checkCount(doing: string, name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new RangeError(`Cannot ${doing}: ${name} must be an integer of 1 or more, got ${value}`);
}
