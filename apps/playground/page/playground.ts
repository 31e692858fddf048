import { DATA, type DataName, fileOf, taskOf } from "../data.ts";
import type { GivenData, ModelFile, Report, Request, RunFacts } from "../messages.ts";
import {
  defaultsFor,
  fits,
  fromFragment,
  type RunSettings,
  type Settings,
  toFragment,
  type View,
  withinBounds,
} from "../settings.ts";
import { Controls, Tabs } from "./controls.ts";
import { download, element, hideToast, showToast } from "./element.ts";
import { OwnData } from "./own_data.ts";
import { RunView } from "./run_view.ts";
import { Runs } from "./runs.ts";
import { Watchdog } from "./watchdog.ts";

/** How a run begins. */
interface StartOptions {
  /** A saved model to continue. */
  readonly file?: ModelFile | undefined;
  /** The data, if it need not be loaded. */
  readonly given?: GivenData | undefined;
  /** Whether the run trains as soon as it begins. */
  readonly train?: boolean;
}

/**
 * The page. It holds the settings, which the link, the controls, the tabs and files change. A change starts a run in
 * {@linkcode Runs}, and {@linkcode RunView} shows what the worker reports of it.
 */
export class Playground {
  #worker = this.#makeWorker();
  readonly #watchdog = new Watchdog({
    ping: () => this.#worker.postMessage({ type: "ping" }),
    onSilence: () => this.#restart(),
  });
  readonly #runs = new Runs((request) => this.#send(request), (report) => this.#take(report));
  readonly #view = new RunView();
  readonly #tabs = new Tabs((view) => this.#choose(view));
  readonly #controls = new Controls((change) => {
    void this.#start({ ...withinBounds(this.#settings), ...change }, { train: this.#runs.training });
  });
  readonly #own = new OwnData((data, given) => {
    void this.#start({ ...withinBounds(this.#settings), view: taskOf(data), data }, { given });
  });
  readonly #train = element<HTMLButtonElement>("train");
  readonly #step = element<HTMLButtonElement>("step");
  readonly #save = element<HTMLButtonElement>("save");
  readonly #onnx = element<HTMLButtonElement>("onnx");
  readonly #curve = element<HTMLButtonElement>("curve");
  readonly #temperature = element<HTMLInputElement>("temperature");
  #settings = fromFragment("").settings;
  /** The last settings of each task. */
  readonly #chosen: Record<"text" | "series", RunSettings> = {
    text: defaultsFor("text"),
    series: defaultsFor("series"),
  };

  constructor() {
    this.#train.addEventListener("click", () => {
      if (this.#runs.training) this.#runs.pause();
      else this.#runs.train();
      this.#showButtons();
    });
    this.#step.addEventListener("click", () => this.#runs.step());
    element("reset").addEventListener("click", () => this.#reset());
    element("copy").addEventListener("click", () => void this.#copyLink());
    this.#save.addEventListener("click", () => this.#runs.export("safetensors"));
    this.#onnx.addEventListener("click", () => this.#runs.export("onnx"));
    element<HTMLInputElement>("load").addEventListener("change", (event) => void this.#load(event));
    this.#curve.addEventListener("click", () => download("loss.csv", this.#runs.current!.curve.toCsv(), "text/csv"));
    this.#temperature.addEventListener("input", () => {
      element("temperature-value").textContent = this.#temperature.valueAsNumber.toFixed(2);
      this.#look();
    });
    globalThis.addEventListener("hashchange", () => this.#open());
    this.#open();
  }

  #makeWorker(): Worker {
    const worker = new Worker("worker.js");
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      // The worker's last messages may come after its end.
      if (worker !== this.#worker) return;
      this.#watchdog.up();
      if (data.type === "alive") this.#watchdog.answered();
      else this.#runs.receive(data);
    };
    worker.onerror = (event) => showToast(`The worker failed: ${event.message ?? "it could not be loaded"}`);
    return worker;
  }

  #send(request: Request): void {
    this.#worker.postMessage(request);
    // The visitor wants to stop what the worker is doing.
    if (this.#runs.training && (request.type === "pause" || request.type === "start")) this.#watchdog.expect();
  }

  /** Replaces a worker that is busy with a long step. */
  #restart(): void {
    this.#worker.terminate();
    this.#worker = this.#makeWorker();
    this.#runs.restart();
    this.#showButtons();
    const steps = this.#runs.current?.curve.steps;
    if (steps !== undefined) showToast(`A long training step was stopped; the run goes on from step ${steps}.`);
  }

  /** Opens the link in the address bar. */
  #open(): void {
    const { settings, problems } = fromFragment(location.hash);
    const isShown = document.body.classList.contains("ready") && toFragment(settings) === toFragment(this.#settings);
    if (!isShown) void this.#start(settings);
    if (problems.length > 0) showToast(problems.join(". "));
  }

  /** Switches to a view. If it cannot show the current data, returns to its task's last run or starts a new one. */
  #choose(view: View): void {
    if (fits(view, this.#settings.data)) {
      const { pending, current } = this.#runs;
      if (pending === undefined && current === undefined) return void this.#start({ ...this.#settings, view });
      this.#show({ ...this.#settings, view });
      return this.#look();
    }
    const task = view === "series" ? "series" : "text";
    const kept = this.#runs.kept(task);
    if (kept === undefined) return void this.#start({ ...this.#chosen[task], view });
    this.#runs.returnTo(kept);
    this.#show({ ...kept.settings, view });
    this.#look();
    this.#view.show(kept);
    this.#showButtons();
  }

  /** Shows settings in the link, the tabs and the controls. */
  #show(settings: Settings): void {
    this.#settings = settings;
    const { view, ...chosen } = settings;
    this.#chosen[taskOf(settings.data)] = chosen;
    history.replaceState(null, "", `#${toFragment(settings)}`);
    this.#tabs.show(view);
    this.#controls.show(settings, view);
    this.#own.show(settings.data);
    document.body.classList.add("ready");
  }

  /** Starts a run. The previous run of the same task stays visible until the new one begins. */
  async #start(settings: Settings, { file, given, train = false }: StartOptions = {}): Promise<void> {
    const { view: _, ...asked } = settings;
    const pending = this.#runs.prepare(asked, { file, train });
    const { current } = this.#runs;
    if (current !== undefined && taskOf(current.settings.data) !== taskOf(settings.data)) this.#leave();
    if (this.#runs.current === undefined) this.#view.showNone(settings.layers);
    this.#showButtons();
    this.#show(settings);
    hideToast();
    let data: GivenData | undefined;
    try {
      data = given ?? await this.#dataOf(settings.data);
    } catch (error) {
      if (pending === this.#runs.pending) this.#refuse((error as Error).message);
      return;
    }
    // Another run may have been started while the data was loading.
    if (pending !== this.#runs.pending) return;
    if (data === undefined) return this.#awaitData(settings, file);
    this.#view.announce("Preparing the network");
    this.#look();
    this.#runs.launch(data);
  }

  /** Loads data by name. Returns undefined if the visitor has not given it yet. */
  async #dataOf(name: DataName): Promise<GivenData | undefined> {
    const file = fileOf(name);
    if (file === undefined) return name.startsWith("own-") ? this.#own.get(name) : { name, content: undefined };
    try {
      const response = await fetch(file);
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      return { name: DATA[name].label, content: await response.text() };
    } catch (error) {
      throw new Error(`Cannot load ${DATA[name].label}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Shows where the visitor can give the data. */
  #awaitData(settings: Settings, file: ModelFile | undefined): void {
    const task = taskOf(settings.data);
    this.#runs.cancel();
    this.#leave();
    this.#view.clear(task);
    this.#show({ ...settings, view: task });
    element("page").classList.add("waiting");
    if (file !== undefined) {
      showToast(`Cannot load ${file.name}: it needs data to train on, got none; choose your data first`);
    }
  }

  /** Shows the pending run, which the worker has built. */
  #begin(facts: RunFacts): void {
    const run = this.#runs.begin(facts);
    const { data } = facts.settings;
    if (data.startsWith("own-")) this.#own.keep(data, run.data!);
    this.#view.clear(taskOf(data));
    // A model from a file may have other settings than requested.
    this.#show({ ...this.#settings, ...facts.settings });
    this.#view.show(run);
    this.#showButtons();
  }

  /** Drops the pending run, which cannot begin. The visible run stays. */
  #refuse(message: string): void {
    this.#runs.cancel();
    const { current } = this.#runs;
    if (current === undefined) this.#view.showNone(this.#settings.layers);
    else {
      const { view } = this.#settings;
      const { settings } = current;
      this.#show({ ...settings, view: fits(view, settings.data) ? view : taskOf(settings.data) });
    }
    this.#showButtons();
    showToast(message);
  }

  /** Pauses and hides the visible run. */
  #leave(): void {
    this.#runs.leave();
    this.#view.showNone(this.#settings.layers);
    this.#showButtons();
  }

  /** Starts the visible run again, from its file if it has one. */
  #reset(): void {
    const { file, data } = this.#runs.pending ?? this.#runs.current ?? {};
    void this.#start(this.#settings, { file, given: data });
  }

  #look(): void {
    this.#runs.look(this.#settings.view, this.#temperature.valueAsNumber);
  }

  #showButtons(): void {
    const { pending, current, training } = this.#runs;
    const isReady = pending === undefined && current !== undefined;
    for (const button of [this.#train, this.#step, this.#save, this.#onnx]) button.disabled = !isReady;
    if (training) this.#step.disabled = true;
    this.#curve.disabled = current === undefined;
    this.#train.textContent = pending !== undefined ? "Preparing…" : training ? "Pause" : "Train";
    if (current !== undefined) element("page").classList.remove("waiting");
  }

  /** Handles a report about the visible or the pending run. */
  #take(report: Report): void {
    switch (report.type) {
      case "started":
        return this.#begin(report);
      case "failed":
        if (report.run === this.#runs.pending?.run) return this.#refuse(report.message);
        this.#showButtons();
        return showToast(report.message);
      case "file": {
        const { data, cell } = this.#settings;
        return download(`${data}-${cell}.${report.format}`, report.bytes, "application/octet-stream");
      }
      // Runs keeps snapshots, and the watchdog hears what is alive.
      case "snapshot":
      case "alive":
        return;
      default:
        return this.#view.update(this.#runs.current!, report);
    }
  }

  async #copyLink(): Promise<void> {
    const button = element("copy");
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
      setTimeout(() => button.textContent = "Copy link", 1500);
    } catch {
      showToast("Cannot copy the link: the browser must allow it. Copy it from the address bar.");
    }
  }

  async #load({ target }: Event): Promise<void> {
    const input = target as HTMLInputElement;
    const file = input.files?.[0];
    if (file === undefined) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    // Otherwise the same file could not be opened again.
    input.value = "";
    await this.#start(this.#settings, { file: { name: file.name, bytes } });
  }
}
