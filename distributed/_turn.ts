/** Allows one operation at a time. */
export class Turn {
  #doing: string | undefined;
  readonly #end = { [Symbol.dispose]: () => void (this.#doing = undefined) };

  /** The current operation, if any. */
  get doing(): string | undefined {
    return this.#doing;
  }

  /**
   * Starts an operation. It lasts until the result is disposed.
   *
   * @throws {Error} If another operation has not ended.
   */
  take(doing: string): Disposable {
    if (this.#doing !== undefined) {
      throw new Error(`Cannot ${doing}: calls must be made one at a time, got one during ${this.#doing}`);
    }
    this.#doing = doing;
    return this.#end;
  }
}
