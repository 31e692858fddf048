import { Block, view } from "./memory.ts";
import type { Owner } from "./tensor.ts";

/** Parameters and, right behind them, their gradients: two flat arrays of one length, each in one piece. */
export class Slab {
  /** Numbers in each of the two arrays. */
  readonly length: number;
  readonly #block: Block;

  /** Allocates a slab of zeros; `purpose` is for the message when the memory is exhausted. */
  constructor(length: number, purpose: string) {
    this.length = length;
    this.#block = new Block(8 * length, purpose);
    view(this.offset, 2 * length).fill(0);
  }

  /** Where the first parameter is, in bytes; the gradients start `length` numbers behind it. */
  get offset(): number {
    return this.#block.offset;
  }

  /** What the memory belongs to. */
  get owner(): Owner {
    return this.#block;
  }

  /** Gives the memory back. */
  release(): void {
    this.#block.release();
  }

  /** All parameters, as a view that is valid until the next allocation. */
  get params(): Float32Array<ArrayBuffer> {
    return view(this.offset, this.length);
  }

  /** All gradients, as a view that is valid until the next allocation. */
  get grads(): Float32Array<ArrayBuffer> {
    return view(this.offset + 4 * this.length, this.length);
  }
}
