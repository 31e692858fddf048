import { Block, view } from "./memory.ts";
import type { Owner } from "./tensor.ts";

/** Parameters and, right behind them, their gradients: two flat arrays of one length, each in one piece. */
export class Slab implements Owner {
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
    if (this.released) throw new ReferenceError("Cannot use a slab of parameters: they have moved into another one");
    return this.#block.offset;
  }

  /** Whether the memory has been given back. */
  get released(): boolean {
    return this.#block.released;
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
