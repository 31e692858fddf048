/** Lets one thing be done at a time. */
export class Turn {
  #doing: string | undefined;
  readonly #end = { [Symbol.dispose]: () => void (this.#doing = undefined) };

  /** What is under way, if anything is. */
  get doing(): string | undefined {
    return this.#doing;
  }

  /**
   * Begins something that is under way until what comes back is disposed of.
   *
   * @throws {Error} If something else is.
   */
  take(doing: string): Disposable {
    if (this.#doing !== undefined) {
      throw new Error(`Cannot ${doing}: one thing must be done at a time, and ${this.#doing} is under way`);
    }
    this.#doing = doing;
    return this.#end;
  }
}
