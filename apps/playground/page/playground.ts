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
import { Controls } from "./controls.ts";
import { download, element, hideToast, showToast, Tabs } from "./element.ts";
import { format, formatCount } from "./format.ts";
import { LossCurve, LossView } from "./loss_view.ts";
import { OwnData } from "./own_data.ts";
import { type Run, Runs } from "./runs.ts";
import { SeriesView } from "./series_view.ts";
import { TextView } from "./text_view.ts";
import { UnfoldedView } from "./unfolded_view.ts";

/** Milliseconds from one word to a screen reader about the loss to the next. */
const SAY_EVERY = 10_000;

/** How a run begins. */
interface StartOptions {
  /** A saved model. */
  readonly file?: ModelFile | undefined;
  /** Data that is at hand. */
  readonly given?: GivenData | undefined;
  readonly train?: boolean;
}

/** The page: a run, of which the worker computes all, and three views of it. */
export class Playground {
  readonly #worker = new Worker("worker.js");
  readonly #tabs = new Tabs((view) => this.#choose(view));
  readonly #controls = new Controls((change) => {
    void this.#start({ ...withinBounds(this.#settings), ...change }, { train: this.#training });
  });
  readonly #own = new OwnData((data, given) => {
    void this.#start({ ...withinBounds(this.#settings), view: taskOf(data), data }, { given });
  });
  readonly #loss = new LossView();
  readonly #text = new TextView();
  readonly #series = new SeriesView();
  readonly #unfolded = new UnfoldedView();
  readonly #train = element<HTMLButtonElement>("train");
  readonly #step = element<HTMLButtonElement>("step");
  readonly #save = element<HTMLButtonElement>("save");
  readonly #onnx = element<HTMLButtonElement>("onnx");
  readonly #temperature = element<HTMLInputElement>("temperature");
  #settings: Settings;
  /** What was last chosen for each task. */
  readonly #chosen = { text: defaultsFor("text"), series: defaultsFor("series") };
  readonly #runs = new Runs((report) => this.#take(report));
  #training = false;
  /** Whether the run that begins does not wait. */
  #trainsAtOnce = false;
  #said = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#runs.hear(data);
    this.#worker.onerror = (event) => showToast(`The worker has failed: ${event.message ?? "it could not be loaded"}`);
    this.#train.addEventListener("click", () => this.#training ? this.#pause() : this.#resume());
    this.#step.addEventListener("click", () => this.#ask({ type: "step" }));
    element("reset").addEventListener("click", () => this.#reset());
    element("copy").addEventListener("click", () => void this.#copyLink());
    this.#save.addEventListener("click", () => this.#ask({ type: "export", format: "safetensors" }));
    this.#onnx.addEventListener("click", () => this.#ask({ type: "export", format: "onnx" }));
    element<HTMLInputElement>("load").addEventListener("change", (event) => void this.#load(event));
    element("curve").addEventListener("click", () => download("loss.csv", this.#curve.toCsv(), "text/csv"));
    this.#temperature.addEventListener("input", () => {
      element("temperature-value").textContent = this.#temperature.valueAsNumber.toFixed(2);
      this.#look();
    });
    globalThis.addEventListener("hashchange", () => this.#open());
    this.#settings = fromFragment("").settings;
    this.#open();
  }

  /** Takes what the link says. */
  #open(): void {
    const { settings, problems } = fromFragment(location.hash);
    const isShown = document.body.classList.contains("ready") && toFragment(settings) === toFragment(this.#settings);
    if (!isShown) void this.#start(settings);
    if (problems.length > 0) showToast(problems.join(". "));
  }

  #ask(request: Request): void {
    this.#worker.postMessage(request);
  }

  #look(): void {
    this.#ask({ type: "look", view: this.#settings.view, temperature: this.#temperature.valueAsNumber });
  }

  /** Goes to another view; where the data does not fit it, to the last run of its task. */
  #choose(view: View): void {
    if (fits(view, this.#settings.data)) {
      const { asked, current } = this.#runs;
      if (asked === undefined && current === undefined) return void this.#start({ ...this.#settings, view });
      this.#show({ ...this.#settings, view });
      return this.#look();
    }
    const task = view === "series" ? "series" : "text";
    const kept = this.#runs.kept(task);
    if (kept === undefined) return void this.#start({ ...this.#chosen[task], view });
    this.#leave();
    this.#runs.returnTo(kept);
    this.#ask({ type: "return", run: kept.run });
    this.#show({ ...kept.settings, view });
    this.#look();
    this.#showRun(kept);
    this.#setTraining(false);
  }

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

  /**
   * Prepares a run, which then waits for the first step, or with `train` does not. With a file, its model is gone on with.
   * Until it begins the run before is seen, if it is of the same task.
   */
  async #start(settings: Settings, { file, given, train = false }: StartOptions = {}): Promise<void> {
    const { current } = this.#runs;
    const asked = this.#runs.ask(settings, file);
    this.#trainsAtOnce = train;
    if (current !== undefined && taskOf(current.settings.data) !== taskOf(settings.data)) this.#leave();
    if (this.#runs.current === undefined) this.#unfolded.start(settings.layers);
    this.#showButtons();
    this.#show(settings);
    hideToast();
    try {
      asked.data = given ?? await this.#dataOf(settings.data);
    } catch (error) {
      if (asked === this.#runs.asked) this.#refuse((error as Error).message);
      return;
    }
    // Another run may have been asked for in the meantime.
    if (asked !== this.#runs.asked) return;
    const { run, data } = asked;
    if (data === undefined) return this.#awaitData(settings, file);
    element("said").textContent = "Preparing the network";
    this.#look();
    this.#ask({ type: "start", run, settings: runSettings(settings), data, ...(file && { file }) });
  }

  /** Begins the run that is seen anew, from its file if it has one. */
  #reset(): void {
    const { file, data } = this.#runs.asked ?? this.#runs.current ?? {};
    void this.#start(this.#settings, { file, given: data });
  }

  /** Shows where the data can be given. */
  #awaitData(settings: Settings, file: ModelFile | undefined): void {
    this.#runs.refuse();
    this.#leave();
    const task = taskOf(settings.data);
    (task === "text" ? this.#text : this.#series).start();
    this.#show({ ...settings, view: task });
    if (file !== undefined) {
      showToast(`Cannot go on with ${file.name}: it must have data to learn from, and has none yet`);
    }
  }

  /** What was asked for cannot begin: the run that is seen stays. */
  #refuse(message: string): void {
    this.#runs.refuse();
    const { current } = this.#runs;
    if (current !== undefined) {
      const { view } = this.#settings;
      const { settings } = current;
      this.#show({ ...settings, view: fits(view, settings.data) ? view : taskOf(settings.data) });
    }
    this.#showButtons();
    showToast(message);
  }

  /** Pauses the run that is seen, and shows none. */
  #leave(): void {
    this.#pause();
    this.#runs.leave();
    this.#loss.show(this.#curve);
    this.#unfolded.start(this.#settings.layers);
    this.#showNumbers(0);
    this.#showButtons();
  }

  /** The data of a name; undefined where the visitor has not given it yet. */
  async #dataOf(name: DataName): Promise<GivenData | undefined> {
    const file = fileOf(name);
    if (file === undefined) return name.startsWith("own-") ? this.#own.get(name) : { name, content: undefined };
    try {
      const response = await fetch(file);
      if (!response.ok) throw new Error(`the server says ${response.status}`);
      return { name: DATA[name].label, content: await response.text() };
    } catch (error) {
      throw new Error(`Cannot load ${DATA[name].label}: ${(error as Error).message}`, { cause: error });
    }
  }

  #resume(): void {
    this.#ask({ type: "train" });
    this.#setTraining(true);
  }

  #pause(): void {
    this.#ask({ type: "pause" });
    this.#setTraining(false);
  }

  #setTraining(training: boolean): void {
    this.#training = training;
    this.#showButtons();
  }

  #showButtons(): void {
    const { asked, current } = this.#runs;
    const isReady = asked === undefined && current !== undefined;
    for (const button of [this.#train, this.#step, this.#save, this.#onnx]) button.disabled = !isReady;
    if (this.#training) this.#step.disabled = true;
    this.#train.textContent = asked !== undefined ? "Preparing …" : this.#training ? "Pause" : "Train";
  }

  /** The losses of the run that is seen. */
  get #curve(): LossCurve {
    return this.#runs.current?.curve ?? new LossCurve();
  }

  #take(report: Report): void {
    switch (report.type) {
      case "started":
        return this.#begin(report);
      case "progress":
        this.#curve.add(report);
        this.#loss.show(this.#curve);
        return this.#showNumbers(report.speed);
      case "preview":
        if (report.preview.kind === "text") this.#text.show(report.steps, report.preview.text);
        else this.#series.show(report.preview.forecast);
        return;
      case "unfolding":
        return this.#unfolded.show(report.unfolding);
      case "file":
        return download(
          `${this.#settings.data}-${this.#settings.cell}.${report.format}`,
          report.bytes,
          "application/octet-stream",
        );
      case "failed":
        if (report.run === this.#runs.asked?.run) return this.#refuse(report.message);
        this.#setTraining(false);
        return showToast(report.message);
    }
  }

  #begin(facts: RunFacts): void {
    const run = this.#runs.begin(facts);
    const { data } = facts.settings;
    if (data.startsWith("own-")) this.#own.keep(data, run.data!);
    (taskOf(data) === "text" ? this.#text : this.#series).start();
    // A file's model may be another than was asked for.
    this.#show({ ...this.#settings, ...facts.settings });
    this.#showRun(run);
    this.#setTraining(false);
    if (this.#trainsAtOnce) this.#resume();
  }

  /** Shows what all views have of a run. */
  #showRun({ settings, facts, curve, file }: Run): void {
    this.#loss.start(facts);
    this.#loss.show(curve);
    this.#unfolded.start(settings.layers);
    this.#showNumbers(0);
    element("note").textContent = file !== undefined
      ? `It goes on with ${file.name}, which the link does not hold: Reset returns to the file, a change starts anew.`
      : settings.data.startsWith("own-")
      ? "A change starts anew. The link in the address bar does not hold your data."
      : "A change starts anew. The link in the address bar gives the same losses to the digit.";
  }

  #showNumbers(speed: number): void {
    const { steps, recent, validation } = this.#curve;
    const said = (value: number | undefined) => value === undefined ? "–" : format(value);
    element("steps").textContent = formatCount(steps);
    element("loss").textContent = said(recent);
    element("validation").textContent = said(validation);
    element("speed").textContent = speed === 0 ? "–" : formatCount(speed);
    const now = performance.now();
    if (recent === undefined || (this.#training && now - this.#said < SAY_EVERY)) return;
    this.#said = now;
    element("said").textContent = `Step ${formatCount(steps)}: loss ${format(recent)} ${
      this.#runs.current?.facts.unit ?? ""
    }`;
  }

  async #copyLink(): Promise<void> {
    const button = element("copy");
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
      setTimeout(() => button.textContent = "Copy link", 1500);
    } catch {
      showToast("The link could not be copied; it is the one in the address bar.");
    }
  }

  async #load({ target }: Event): Promise<void> {
    const input = target as HTMLInputElement;
    const file = input.files?.[0];
    if (file === undefined) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    input.value = "";
    await this.#start(this.#settings, { file: { name: file.name, bytes } });
  }
}

/** What a run depends on: all but the view. */
function runSettings({ view: _, ...settings }: Settings): RunSettings {
  return settings;
}
