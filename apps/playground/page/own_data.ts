import type { DataName } from "../data.ts";
import type { GivenData } from "../messages.ts";
import { element, showToast } from "./element.ts";

/** Reads a text file. If it is not text, shows an error and returns undefined. */
async function readText(file: File): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    showToast(`Cannot read ${file.name}: it must be UTF-8 text`);
    return undefined;
  }
}

/** The visitor's own data: a text to paste or open, a CSV to open or drop. */
export class OwnData {
  readonly #given = new Map<DataName, GivenData>();

  /**
   * @param onGiven Receives the data, once read.
   */
  constructor(onGiven: (data: DataName, given: GivenData) => void) {
    const open = async (data: DataName, file: File | undefined) => {
      const content = file && await readText(file);
      if (content !== undefined) onGiven(data, { name: file!.name, content });
    };
    const onFile = (input: HTMLInputElement, data: DataName) =>
      input.addEventListener("change", async () => {
        await open(data, input.files?.[0]);
        // Otherwise the same file could not be opened again.
        input.value = "";
      });
    onFile(element<HTMLInputElement>("own-text-file"), "own-text");
    onFile(element<HTMLInputElement>("own-csv-file"), "own-csv");
    element<HTMLFormElement>("own-text").addEventListener("submit", (event) => {
      event.preventDefault();
      onGiven("own-text", { name: "your text", content: element<HTMLTextAreaElement>("own-text-content").value });
    });

    const target = element("panel-series");
    const mark = (event: DragEvent, dropping: boolean) => {
      event.preventDefault();
      target.classList.toggle("dropping", dropping);
    };
    // By default, a file dropped elsewhere would replace the page.
    for (const type of ["dragover", "drop"] as const) {
      document.addEventListener(type, (event) => {
        if (!event.dataTransfer?.types.includes("Files") || event.defaultPrevented) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "none";
      });
    }
    target.addEventListener("dragover", (event) => mark(event, true));
    target.addEventListener("dragleave", (event) => mark(event, false));
    target.addEventListener("drop", (event) => {
      mark(event, false);
      void open("own-csv", event.dataTransfer?.files[0]);
    });
  }

  /** Keeps data under its name once a run on it has begun. */
  keep(data: DataName, given: GivenData): void {
    this.#given.set(data, given);
  }

  /** The data kept under a name, if any. */
  get(data: DataName): GivenData | undefined {
    return this.#given.get(data);
  }

  /** Shows the form for the visitor's own text or CSV if that is selected. */
  show(data: DataName): void {
    element("own-text").hidden = data !== "own-text";
    element("own-csv").hidden = data !== "own-csv";
  }
}
