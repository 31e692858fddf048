/** Parts of a drawing that follow a value: they are touched where they change, and not else. */
export class Bindings<Source> {
  readonly #bound: { last: string | undefined; of: (source: Source) => string; put: (text: string) => void }[] = [];

  /** Lets an attribute follow. */
  attribute(element: Element, name: string, of: (source: Source) => string): void {
    this.#bound.push({ last: undefined, of, put: (text) => element.setAttribute(name, text) });
  }

  /** Lets an element's text follow. */
  text(element: Element, of: (source: Source) => string): void {
    this.#bound.push({ last: undefined, of, put: (text) => element.textContent = text });
  }

  /** Brings all of them up to date. */
  update(source: Source): void {
    for (const bound of this.#bound) {
      const text = bound.of(source);
      if (text === bound.last) continue;
      bound.put(text);
      bound.last = text;
    }
  }
}
