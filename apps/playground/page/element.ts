/** The element of the page with an id. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page must have an element #${id}`);
  return found as T;
}

/** Makes an element with attributes and children. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  children: readonly (Node | string)[] = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Makes an element of an SVG. */
export function makeSvg(
  tag: string,
  attributes: Readonly<Record<string, string | number>> = {},
  children: readonly (Node | string)[] = [],
): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** A table; the first column is a heading of its row. */
export function makeTable(head: readonly string[], rows: readonly (readonly string[])[]): HTMLTableElement {
  const titles = head.map((title) => make("th", { scope: "col" }, [title]));
  const lines = rows.map(([first = "", ...cells]) =>
    make("tr", {}, [make("th", { scope: "row" }, [first]), ...cells.map((cell) => make("td", {}, [cell]))])
  );
  return make("table", {}, [make("thead", {}, [make("tr", {}, titles)]), make("tbody", {}, lines)]);
}
