import { type CellName, CELLS } from "../../shared/cells.ts";
import { DATA, DATA_NAMES, type DataName, taskOf } from "../data.ts";
import { BOUNDS, fits, HIGHEST_RATE, type RunSettings, type View } from "../settings.ts";
import { OPTIMIZER_NAMES, type OptimizerName, SUGGESTED_RATES } from "../suggested_rates.ts";
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
   * @param onChange Is told of settings that were changed, and can be.
   */
  constructor(onChange: (settings: RunSettings) => void) {
    this.#select("cell").append(...CELLS.map((cell) => make("option", { value: cell }, [CELL_LABELS[cell]])));
    this.#select("optimizer").append(...OPTIMIZER_NAMES.map((name) => make("option", { value: name }, [name])));
    for (const [name, [least, most]] of Object.entries(BOUNDS)) {
      Object.assign(this.#input(name), { min: String(least), max: String(most), step: "1" });
    }
    Object.assign(this.#input("rate"), { min: "0.000001", max: String(HIGHEST_RATE) });
    for (const cell of ["rnn", "relu", "lstm", "gru"] as const) {
      const button = make("button", { type: "button" }, [CELL_LABELS[cell]]);
      button.addEventListener("click", () => {
        this.#select("cell").value = cell;
        tell();
      });
      this.#cells.set(cell, button);
      element("cells").append(button);
    }
    const tell = () => {
      if (this.#form.reportValidity()) onChange(this.read());
    };
    this.#data.addEventListener("change", tell);
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", ({ target }) => {
      if (target === this.#select("optimizer")) {
        this.#input("rate").value = String(SUGGESTED_RATES[this.#select("optimizer").value as OptimizerName]);
      }
      tell();
    });
  }

  #input(name: string): HTMLInputElement {
    return this.#form.elements.namedItem(name) as HTMLInputElement;
  }

  #select(name: string): HTMLSelectElement {
    return this.#form.elements.namedItem(name) as HTMLSelectElement;
  }

  /** The settings as they stand in the form. */
  read(): RunSettings {
    const number = (name: string) => this.#input(name).valueAsNumber;
    return {
      data: this.#data.value as DataName,
      cell: this.#select("cell").value as CellName,
      hidden: number("hidden"),
      layers: number("layers"),
      length: number("length"),
      optimizer: this.#select("optimizer").value as OptimizerName,
      rate: number("rate"),
      seed: number("seed"),
    };
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
