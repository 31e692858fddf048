import { Block, view } from "./memory.ts";

/** Parameters and, right behind them, their gradients: two flat arrays of one length, each in one piece. */
export class Slab {
  /** Numbers in each of the two arrays. */
  readonly length: number;
  /** The memory: `length` parameters, then `length` gradients. */
  readonly block: Block;

  /** Allocates a slab of zeros; `purpose` is for the message when the memory is exhausted. */
  constructor(length: number, purpose: string) {
    this.length = length;
    this.block = new Block(8 * length, purpose);
    view(this.block.offset, 2 * length).fill(0);
  }

  /** All parameters, as a view that is valid until the next allocation. */
  get params(): Float32Array<ArrayBuffer> {
    return view(this.block.offset, this.length);
  }

  /** All gradients, as a view that is valid until the next allocation. */
  get grads(): Float32Array<ArrayBuffer> {
    return view(this.block.offset + 4 * this.length, this.length);
  }
}
