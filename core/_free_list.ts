/** A range of bytes of the memory. */
export interface Range {
  offset: number;
  bytes: number;
}

/**
 * First-fit allocator over ranges that never overlap, kept in order of their offset and merged when they touch. It serves
 * what lives long (parameters, slots, arenas): some dozens of blocks, so a linear search is short.
 */
export class FreeList {
  #ranges: Range[] = [];

  /** Bytes that are free, though perhaps not in one piece. */
  get free(): number {
    return this.#ranges.reduce((total, range) => total + range.bytes, 0);
  }

  /** Bytes that are free right before an offset. */
  freeBefore(offset: number): number {
    return this.#ranges.find((range) => range.offset + range.bytes === offset)?.bytes ?? 0;
  }

  /** Takes `bytes` from the first range that has them, or returns `undefined`. */
  take(bytes: number): number | undefined {
    const index = this.#ranges.findIndex((range) => range.bytes >= bytes);
    const range = this.#ranges[index];
    if (range === undefined) return undefined;
    const { offset } = range;
    range.offset += bytes;
    range.bytes -= bytes;
    if (range.bytes === 0) this.#ranges.splice(index, 1);
    return offset;
  }

  /** Gives a range back. */
  give({ offset, bytes }: Range): void {
    let index = this.#ranges.findIndex((range) => range.offset > offset);
    if (index < 0) index = this.#ranges.length;
    this.#ranges.splice(index, 0, { offset, bytes });
    this.#merge(index);
    this.#merge(index - 1);
  }

  #merge(index: number): void {
    const left = this.#ranges[index];
    const right = this.#ranges[index + 1];
    if (left === undefined || right === undefined || left.offset + left.bytes !== right.offset) return;
    left.bytes += right.bytes;
    this.#ranges.splice(index + 1, 1);
  }
}
