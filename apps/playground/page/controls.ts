import { type CellName, CELLS, OPTIMIZER_NAMES, type OptimizerName } from "../../shared/choices.ts";
import { DATA, DATA_NAMES, type DataName, taskOf } from "../data.ts";
import { BOUNDS, fits, type RunSettings, SUGGESTED_RATES, type View } from "../settings.ts";
import { element, make } from "./element.ts";

/** What cells are called. */
const CELL_LABELS: Readonly<Record<CellName, string>> = { lstm: "LSTM", gru: "GRU", rnn: "tanh", relu: "ReLU" };

const GROUPS = { text: "Texts", series: "Series" } as const;

/** The controls of a run: its data, the form of its settings, and the cells as buttons beside the unfolded figure. */
export class Controls {
  readonly #form = element<HTMLFormElement>("settings");
  readonly #data = element<HTMLSelectElement>("data");
  readonly #cells = new Map<CellName, HTMLButtonElement>();

  /**
   * @param onChange Is told of what was changed, if it can be.
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
    // What the others hold does not matter: they may be of a model from a file, which may be larger.
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

  /** Puts settings into the form, and offers the data that fits a view. */
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
