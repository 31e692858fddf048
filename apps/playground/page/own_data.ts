import type { DataName } from "../data.ts";
import type { GivenData } from "../messages.ts";
import { element, showToast } from "./element.ts";

/** Decodes a file; what is no text is said to be none. */
async function readText(file: File): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    showToast(`Cannot read ${file.name}: it must be text in UTF-8`);
    return undefined;
  }
}

/** What visitors bring themselves: a text that they paste or open, a CSV that they open or drop. */
export class OwnData {
  readonly #given = new Map<DataName, GivenData>();

  /**
   * @param onGiven Is told what has come.
   */
  constructor(onGiven: (data: DataName, given: GivenData) => void) {
    const open = async (data: DataName, file: File | undefined) => {
      const content = file && await readText(file);
      if (content !== undefined) onGiven(data, { name: file!.name, content });
    };
    const onFile = (input: HTMLInputElement, data: DataName) =>
      input.addEventListener("change", async () => {
        await open(data, input.files?.[0]);
        // So that the same file can be opened again.
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
      element("forecast").classList.toggle("dropping", dropping);
    };
    // Elsewhere a file that is dropped would take the page's place.
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

  /** Keeps what was given under a name, once something can be learned from it. */
  keep(data: DataName, given: GivenData): void {
    this.#given.set(data, given);
  }

  /** What was kept under a name. */
  get(data: DataName): GivenData | undefined {
    return this.#given.get(data);
  }

  /** Shows where to bring what a name stands for. */
  show(data: DataName): void {
    element("own-text").hidden = data !== "own-text";
    element("own-csv").hidden = data !== "own-csv";
  }
}
