import { type View, VIEWS } from "../settings.ts";
import { element } from "./element.ts";

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
