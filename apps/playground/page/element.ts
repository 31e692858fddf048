import { type View, VIEWS } from "../settings.ts";

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

/** Hands a file to the visitor. */
export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

/** Says what went wrong, over the page's lower end, until it is closed or all is well again. */
export function showToast(message: string): void {
  element("toast-message").textContent = message;
  element("toast-close").onclick = hideToast;
  element("toast").hidden = false;
}

/** Takes the message away. */
export function hideToast(): void {
  element("toast").hidden = true;
}

/** The tabs of the views, which go by click and by arrow keys as the ARIA Authoring Practices have it. */
export class Tabs {
  readonly #tabs = VIEWS.map((view) => ({ view, tab: element(`tab-${view}`), panel: element(`panel-${view}`) }));

  /**
   * @param onChoose Is told of the view that was chosen.
   */
  constructor(onChoose: (view: View) => void) {
    this.#tabs.forEach(({ view, tab }, index) => {
      tab.addEventListener("click", () => onChoose(view));
      tab.addEventListener("keydown", (event) => {
        const count = this.#tabs.length;
        const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + count, Home: 0, End: count - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const next = this.#tabs[to % count]!;
        next.tab.focus();
        onChoose(next.view);
      });
    });
  }

  /** Shows a view. */
  show(chosen: View): void {
    for (const { view, tab, panel } of this.#tabs) {
      tab.ariaSelected = String(view === chosen);
      tab.tabIndex = view === chosen ? 0 : -1;
      panel.hidden = view !== chosen;
    }
  }
}
