import { type CellName, CELLS, OPTIMIZER_NAMES, type OptimizerName } from "../../shared/choices.ts";
import { DATA, DATA_NAMES, type DataName, taskOf } from "../data.ts";
import { BOUNDS, fits, type RunSettings, SUGGESTED_RATES, type View, VIEWS } from "../settings.ts";
import { element, make } from "./element.ts";

/** The labels of the cells. */
const CELL_LABELS: Readonly<Record<CellName, string>> = { lstm: "LSTM", gru: "GRU", rnn: "tanh", relu: "ReLU" };

const GROUPS = { text: "Texts", series: "Series" } as const;

/** The controls of a run: its data, the form with its settings, and the cell buttons of the unfolded view. */
export class Controls {
  readonly #form = element<HTMLFormElement>("settings");
  readonly #data = element<HTMLSelectElement>("data");
  readonly #cells = new Map<CellName, HTMLButtonElement>();

  /**
   * @param onChange Receives each valid change.
   */
  constructor(onChange: (change: Partial<RunSettings>) => void) {
    this.#select("cell").append(...CELLS.map((cell) => make("option", { value: cell }, [CELL_LABELS[cell]])));
    this.#select("optimizer").append(...OPTIMIZER_NAMES.map((name) => make("option", { value: name }, [name])));
    for (const [name, [least, most]] of Object.entries(BOUNDS)) {
      Object.assign(this.#input(name), { min: String(least), max: String(most) });
    }
    for (const cell of ["rnn", "relu", "lstm", "gru"] as const) {
      const button = make("button", { type: "button" }, [CELL_LABELS[cell]]);
      button.addEventListener("click", () => onChange({ cell }));
      this.#cells.set(cell, button);
      element("cells").append(button);
    }
    this.#data.addEventListener("change", () => onChange({ data: this.#data.value as DataName }));
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    // Only the changed field is checked: a model from a file may exceed the bounds of the others.
    this.#form.addEventListener("change", ({ target }) => {
      const { name, value, valueAsNumber } = target as HTMLInputElement;
      if (name === "cell") onChange({ cell: value as CellName });
      else if (name === "optimizer") {
        const optimizer = value as OptimizerName;
        onChange({ optimizer, rate: SUGGESTED_RATES[optimizer] });
      } else if ((target as HTMLInputElement).reportValidity()) onChange({ [name]: valueAsNumber });
    });
  }

  #input(name: string): HTMLInputElement {
    return this.#form.elements.namedItem(name) as HTMLInputElement;
  }

  #select(name: string): HTMLSelectElement {
    return this.#form.elements.namedItem(name) as HTMLSelectElement;
  }

  /** Shows settings in the form, and offers the data that a view can show. */
  show(settings: RunSettings, view: View): void {
    for (const name of ["cell", "hidden", "layers", "length", "optimizer", "rate", "seed"] as const) {
      this.#input(name).value = String(settings[name]);
    }
    this.#data.replaceChildren(...(["text", "series"] as const).flatMap((task) => {
      const names = DATA_NAMES.filter((name) => taskOf(name) === task && fits(view, name));
      const options = names.map((name) => make("option", { value: name }, [DATA[name].label]));
      return names.length === 0 ? [] : [make("optgroup", { label: GROUPS[task] }, options)];
    }));
    this.#data.value = settings.data;
    for (const [cell, button] of this.#cells) button.ariaPressed = String(cell === settings.cell);
  }
}

/** The tabs of the views. They follow clicks and arrow keys, as the ARIA Authoring Practices recommend. */
export class Tabs {
  readonly #tabs = VIEWS.map((view) => ({ view, tab: element(`tab-${view}`), panel: element(`panel-${view}`) }));

  /**
   * @param onChoose Receives the chosen view.
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
