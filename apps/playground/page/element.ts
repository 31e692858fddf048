/** Finds an element of the page by its id. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find #${id}: the page must have an element with this id`);
  return found as T;
}

/** Creates an element with attributes and children. */
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

/** Creates an SVG element with attributes and children. */
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

/** Creates a table. The first cell of each row is its heading. */
export function makeTable(head: readonly string[], rows: readonly (readonly string[])[]): HTMLTableElement {
  const titles = head.map((title) => make("th", { scope: "col" }, [title]));
  const lines = rows.map(([first = "", ...cells]) =>
    make("tr", {}, [make("th", { scope: "row" }, [first]), ...cells.map((cell) => make("td", {}, [cell]))])
  );
  return make("table", {}, [make("thead", {}, [make("tr", {}, titles)]), make("tbody", {}, lines)]);
}

/** Downloads a file. */
export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

/** Shows an error at the bottom of the page, until the visitor closes it or a new run starts. */
export function showToast(message: string): void {
  element("toast-message").textContent = message;
  element("toast-close").onclick = hideToast;
  element("toast").hidden = false;
}

/** Hides the error. */
export function hideToast(): void {
  element("toast").hidden = true;
}
