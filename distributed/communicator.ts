/** How {@linkcode Communicator.allReduce} puts the numbers of all ranks together. The largest of NaN and a number is undefined. */
export type Reduction = "sum" | "mean" | "max";

/** Numbers that ranks can put together. */
export type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * Ranks that run one program, each in a process or a Worker of its own, and exchange numbers. Each call but `close` is a
 * meeting: all ranks make it, in the same order, with arrays of the same kind and length, and one at a time.
 *
 * While a rank waits for the others, timers and signals go on.
 */
export interface Communicator {
  /** This rank's number, from 0. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /**
   * Puts the numbers at each place of all ranks' arrays together, and leaves the outcome in all of the arrays, the same to the
   * bit. The memory that an array is a view of must not grow meanwhile.
   *
   * @param x This rank's numbers.
   * @param reduction What becomes of them.
   */
  allReduce(x: Numbers, reduction: Reduction): Promise<void>;
  /**
   * Copies an array of one rank into those of all.
   *
   * @param x This rank's array.
   * @param root The rank that has what is copied; 0 where it is left out.
   */
  broadcast(x: ArrayBufferView<ArrayBuffer>, root?: number): Promise<void>;
  /** Waits until all ranks are here. */
  barrier(): Promise<void>;
  /** Waits until all ranks are here, then ends the connection: the last thing that a program does. */
  close(): Promise<void>;
}
